"""A classifier and an adapter that writes over one causal base: the head stands where the base has its own."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer

from slimtune.export.adapters.base import SharedBase
from slimtune.export.adapters.shared_bases import output_embedding
from slimtune.export.bundle.adapter_folder import open_adapter_folder
from slimtune.export.graph_names import Kind
from slimtune.export.runtime.row_predictor import LocatedRow, TextColumns, row_predictor_of
from slimtune.training.checkpoints.checkpoint import open_checkpoint
from slimtune.training.errors import ModelError
from slimtune.training.methods import peft_method
from slimtune.training.models.generate import Generation, generate
from slimtune.training.models.loading import Base
from tests.conftest import write_jsonl
from tests.export.conftest import export_adapters, make_llama, predicted, trained
from tests.training.tasks.conftest import ANSWERS, CASES

TEXTS = ["Mara left", "Ben saw Lima and", "Iris", "Otto likes the old harbour town"]
OWN = ("data.drop_leaks=false", "fit.learning_rate=1e-2", "method.modules_to_save=[auto]")
CLASSIFIER, WRITER = "classifier", "summarizer"
NUM_NEW_TOKENS = 8


@pytest.fixture(scope="module", params=["own head", "tied"])
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bases") / "llama"
    return make_llama(folder, tie_word_embeddings=request.param == "tied")


@pytest.fixture(scope="module")
def adapters(base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("adapters")
    rows = {case.name: case.rows for case in CASES}
    classified = write_jsonl(folder / "classified.jsonl", rows["classification"])
    written = write_jsonl(folder / "written.jsonl", ANSWERS)
    writes = ("task=generation", f"task.max_new_tokens={NUM_NEW_TOKENS}", "fit.epochs=4", "method.r=4")
    return {
        CLASSIFIER: trained(folder / CLASSIFIER, base, classified, *OWN, "fit.epochs=6"),
        WRITER: trained(folder / WRITER, base, written, *OWN, *writes),
    }


@pytest.fixture(scope="module")
def folder(base: Path, adapters: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("mixed") / "out"
    assert export_adapters(base, adapters, output) == 0
    return output


def answers(folder: Path, name: str | None, texts: list[str]) -> list[Any]:
    predictor = row_predictor_of(open_adapter_folder(folder).model(name), TextColumns(text="text"))
    return [
        answer["prediction"] for answer in predictor.answers([LocatedRow({"text": text}, "here") for text in texts])
    ]


def class_scores(model: Any, base: Path, text: str) -> np.ndarray:
    given = AutoTokenizer.from_pretrained(base)(text, return_tensors="pt")
    with torch.inference_mode():
        scores: np.ndarray = model(given["input_ids"], attention_mask=given["attention_mask"]).logits[0].numpy()
    return scores


def test_each_answers_as_in_peft(folder: Path, base: Path, adapters: dict[str, Path]) -> None:
    """Texts of unlike length share a batch, and the classifier looks at the last token of each."""
    manifest = open_adapter_folder(folder).manifest
    checks = {check.name: check for check in manifest.checks}
    assert {name: check.agreement for name, check in checks.items()} == dict.fromkeys(("base", *adapters), 1.0)
    assert all(check.relative_gap < 1e-4 for check in checks.values())

    classifier, labels = open_checkpoint(adapters[CLASSIFIER]).model(), manifest.adapters[CLASSIFIER].interface.labels
    expected = [labels[class_scores(classifier, base, text).argmax()] for text in TEXTS]
    assert answers(folder, CLASSIFIER, TEXTS) == expected
    assert len(set(expected)) > 1

    from transformers import AutoModelForCausalLM

    tokenizer, settings = AutoTokenizer.from_pretrained(base), Generation(NUM_NEW_TOKENS, 1)
    model = peft_method.load(AutoModelForCausalLM.from_pretrained(base).eval(), adapters[WRITER])
    prompts = [tokenizer(text)["input_ids"] for text in TEXTS]
    written = generate(model, prompts, tokenizer, settings=settings, device=torch.device("cpu"))
    assert answers(folder, WRITER, TEXTS) == [text.strip() for text in written]


def test_the_base_alone_writes(folder: Path, base: Path) -> None:
    from transformers import AutoModelForCausalLM

    tokenizer, settings = AutoTokenizer.from_pretrained(base), Generation(64, 1)
    prompts = [tokenizer(text)["input_ids"] for text in TEXTS]
    model = AutoModelForCausalLM.from_pretrained(base).eval()
    written = generate(model, prompts, tokenizer, settings=settings, device=torch.device("cpu"))
    assert answers(folder, None, TEXTS) == [text.strip() for text in written]


def test_the_command_line_answers_without_pytorch(folder: Path) -> None:
    label, probability, text = (
        predicted("--model", str(folder), "--adapter", CLASSIFIER, "--text", TEXTS[0]).strip().split("\t")
    )
    assert (label, text) == (answers(folder, CLASSIFIER, TEXTS)[0], TEXTS[0])
    assert 0 < float(probability) <= 1
    printed = predicted("--model", str(folder), "--adapter", WRITER, "--text", TEXTS[0])
    assert printed == f"{answers(folder, WRITER, TEXTS)[0]}\t{TEXTS[0]}\n"


def test_a_small_base_keeps_both(base: Path, adapters: dict[str, Path], tmp_path: Path) -> None:
    output, settings = tmp_path / "out", json.loads((base / "config.json").read_text())
    precision = "int4" if settings["tie_word_embeddings"] else "int8_dynamic"
    assert export_adapters(base, adapters, output, "--precision", precision, "--min-agreement", "0.3") == 0
    checks = json.loads((output / "manifest.json").read_text())["checks"]
    assert {check["graph"] for check in checks} == {"fp32", precision}
    assert {check["name"] for check in checks if check["graph"] == precision} == {"base", CLASSIFIER, WRITER}
    assert len(answers(output, CLASSIFIER, TEXTS)) == len(TEXTS)


def test_a_base_that_bounds_its_scores_takes_no_heads() -> None:
    from transformers import AutoConfig, AutoModelForCausalLM

    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "vocab_size": 64, "head_dim": 8}
    config = AutoConfig.for_model("gemma2", **sizes, num_attention_heads=4, num_key_value_heads=2)
    config.final_logit_softcapping = 0.1
    model = AutoModelForCausalLM.from_config(config).eval()
    base = SharedBase(Kind.causal, Base(model, frozenset(), torch.float32), None, frozenset())
    with pytest.raises(ModelError, match=r"of type gemma2 has no plain matrix at its end.*once for those that write"):
        output_embedding(base)
    model.config.final_logit_softcapping = None
    assert output_embedding(base) == "lm_head.weight"


def test_onnxruntime_genai_takes_no_classifiers(
    base: Path, adapters: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxruntime_genai")
    assert export_adapters(base, adapters, tmp_path / "out", "--genai") == 2
    assert "answers with labels; onnxruntime-genai writes text" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
