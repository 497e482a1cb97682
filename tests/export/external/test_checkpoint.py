"""Third-party models: plain checkpoints of transformers and adapters of peft, by the command line."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import peft
import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
)

from slimtune.sweeper.cli import main
from tests.conftest import write_jsonl

TEXTS = ["good soup was served", "awful bread and water at the old table near our door", "plain"]
LABELS = ["zero", "minus", "plus"]


pytestmark = pytest.mark.usefixtures("untimed")


@pytest.fixture(scope="session")
def classifier(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier with a head of its own, whose labels are in no alphabetical order."""
    folder = tmp_path_factory.mktemp("foreign") / "classifier"
    torch.manual_seed(1)
    names = dict(enumerate(LABELS))
    back = {name: number for number, name in names.items()}
    model = AutoModelForSequenceClassification.from_pretrained(tiny_model, id2label=names, label2id=back)
    model.classifier.weight.data.normal_()
    return saved(model, tiny_model, folder)


def saved(model: Any, tokenizer: Path, folder: Path) -> Path:
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(tokenizer).save_pretrained(folder)
    return folder


def shaken(model: Any) -> Any:
    """Adapters as if they were trained."""
    torch.manual_seed(2)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            noise = torch.randn_like(parameter) * 0.2
            parameter.data = parameter.data + noise if "ia3" in name or "magnitude" in name else noise
    return model.eval()


class Export:
    """`slimtune export` of a folder, with rows."""

    def __init__(self, folder: Path, rows: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.out, self._rows, self._capsys, self._cache = folder / "out", rows, capsys, folder / "cache"

    def __call__(self, model: Path, *more: str, rows: Path | None = None) -> int:
        return main(
            [
                *("export", "--run", str(model), "--out", str(self.out)),
                *(f"data.train_file={rows or self._rows}", f"data.cache_dir={self._cache}", "data.max_length=32"),
                *("data.drop_leaks=false", "export.variants=[]", "fit.threads=1", *more),
            ]
        )

    def refused(self, model: Path, *more: str) -> str:
        """The message, after which nothing is written."""
        assert self(model, *more) == 2
        assert not self.out.exists()
        return self._capsys.readouterr().err

    @property
    def manifest(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = json.loads((self.out / "bundle" / "manifest.json").read_text())
        return found

    def scores(self, text: str) -> np.ndarray:
        """Of a classifier, by the graph."""
        tokenizer = AutoTokenizer.from_pretrained(self.out / "bundle")
        session = onnxruntime.InferenceSession(self.out / "bundle" / "model.onnx")
        given = tokenizer(text, return_tensors="np")
        feed = {name: given[name].astype(np.int64) for name in ("input_ids", "attention_mask")}
        return np.asarray(session.run(None, feed)[0])


@pytest.fixture
def export(tmp_path: Path, rows_file: Path, capsys: pytest.CaptureFixture[str]) -> Export:
    return Export(tmp_path, rows_file, capsys)


def check_same(export: Export, model: Any, tokenizer: Path) -> None:
    """Whether the graph scores texts as PyTorch does."""
    tokens = AutoTokenizer.from_pretrained(tokenizer)
    for text in TEXTS:
        with torch.no_grad():
            given = tokens(text, return_tensors="pt")
            expected = model(input_ids=given["input_ids"], attention_mask=given["attention_mask"]).logits.numpy()
        np.testing.assert_allclose(export.scores(text), expected, atol=1e-3)


def test_a_plain_classifier_keeps_its_labels_by_id(classifier: Path, export: Export) -> None:
    assert export(classifier) == 0
    check_same(export, AutoModelForSequenceClassification.from_pretrained(classifier), classifier)
    manifest = export.manifest
    assert manifest["labels"] == LABELS
    assert (manifest["source_checkpoint"], manifest["source_format"]) == (str(classifier), "transformers")
    assert (manifest["base_model"], manifest["method"]) == (str(classifier), "full")
    assert 0 <= manifest["validation"]["validation/accuracy"] <= 1


def adapter(model: Any, settings: Any, folder: Path) -> tuple[Any, Path]:
    """An adapter in a folder without a tokenizer."""
    made = shaken(peft.get_peft_model(model, settings))
    made.save_pretrained(folder)
    return made, folder


def classifier_base(tiny_model: Path) -> Any:
    return AutoModelForSequenceClassification.from_pretrained(tiny_model, num_labels=3)


CLASSIFIERS = {
    "dora": peft.LoraConfig(
        task_type="SEQ_CLS", use_dora=True, r=4, target_modules=["query", "value"], modules_to_save=["pooler"]
    ),
    "ia3": peft.IA3Config(
        task_type="SEQ_CLS",
        target_modules=["key", "value", "output.dense"],
        feedforward_modules=["output.dense"],
        modules_to_save=["classifier"],
    ),
}


@pytest.mark.parametrize("name", ["dora", pytest.param("ia3", marks=pytest.mark.slow)])
def test_an_adapter_of_a_classifier_is_merged(name: str, tiny_model: Path, export: Export, tmp_path: Path) -> None:
    """The head is the adapter's, the tokenizer the base's, the names of the labels the user's."""
    model, folder = adapter(classifier_base(tiny_model), CLASSIFIERS[name], tmp_path / name)
    assert export(folder, f"task.labels=[{','.join(LABELS)}]") == 0
    check_same(export, model, tiny_model)
    manifest = export.manifest
    assert manifest["labels"] == LABELS
    assert manifest["source_base"] == manifest["base_model"] == str(tiny_model)
    assert manifest["config"]["method"]["name"] == manifest["method"] == {"dora": "lora"}.get(name, name)
    assert manifest["config"]["method"].get("use_dora", False) is (name == "dora")


def test_lora_of_a_causal_model_with_ranks_by_module(bases: dict[str, Path], export: Export, tmp_path: Path) -> None:
    settings = peft.LoraConfig(
        task_type="CAUSAL_LM",
        r=4,
        lora_alpha=8,
        use_rslora=True,
        target_modules="all-linear",
        rank_pattern={"q_proj": 2, "down_proj": 6},
        alpha_pattern={"v_proj": 3},
    )
    base = bases["LLAMA"]
    model, folder = adapter(AutoModelForCausalLM.from_pretrained(base), settings, tmp_path / "adapter")
    rows = write_jsonl(
        tmp_path / "texts.jsonl",
        [
            {"text": f"{name} {verb} the old soup"}
            for name in ("Mara", "Ben", "Iris", "Otto")
            for verb in ("left", "saw", "likes", "missed", "found")
        ],
    )
    assert export(folder, "task=language_modelling", rows=rows) == 0
    reports = {item["name"]: item for item in json.loads((export.out / "verification.json").read_text())}
    assert reports["fp32"]["max_logit_gap"] < 1e-3
    # and PyTorch itself was peft's model, and no other
    from slimtune.export.runtime.generation_session import CausalSession

    tokens = AutoTokenizer.from_pretrained(base)("Mara left the old soup", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        expected = model(input_ids=tokens).logits.numpy()
        plain = AutoModelForCausalLM.from_pretrained(base)(input_ids=tokens).logits.numpy()
    found = CausalSession(export.out / "fp32").scores(tokens.numpy(), np.ones_like(tokens.numpy()))
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert np.abs(found - plain).max() > 0.05
    assert export.manifest["config"]["method"]["rank_pattern"] == {"q_proj": 2, "down_proj": 6}


def test_virtual_tokens_are_refused(tiny_model: Path, export: Export, tmp_path: Path) -> None:
    settings = peft.PromptTuningConfig(task_type="SEQ_CLS", num_virtual_tokens=4)
    _, folder = adapter(classifier_base(tiny_model), settings, tmp_path / "prompt")
    assert "virtual tokens have no weights" in export.refused(folder)


def dora(tiny_model: Path, folder: Path) -> Path:
    return adapter(classifier_base(tiny_model), CLASSIFIERS["dora"], folder)[1]


def changed(folder: Path, **values: Any) -> Path:
    """The folder with other settings of peft."""
    path = folder / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
    return folder


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"init_lora_weights": "pissa_niter_4"}, "takes the adapter out of the base's weights"),
        ({"layer_replication": [[0, 2]]}, "layer_replication"),
        ({"of_tomorrow": True}, "of_tomorrow=True, which is not merged here"),
        ({"peft_type": "LOHA"}, "merge it by peft"),
        ({"base_model_name_or_path": None}, "give it by --base"),
        ({"base_model_name_or_path": "/nowhere/at/all"}, "give the base that it was trained on, by --base"),
        ({"task_type": "CAUSAL_LM"}, "was trained for CAUSAL_LM"),
        ({"target_modules": ["query"]}, "does not fit the base"),
    ],
)
def test_what_is_not_understood_is_refused(
    values: Mapping[str, Any], message: str, tiny_model: Path, export: Export, tmp_path: Path
) -> None:
    folder = changed(dora(tiny_model, tmp_path / "adapter"), **values)
    assert message in export.refused(folder, f"task.labels=[{','.join(LABELS)}]")


def test_pickles_are_refused(tiny_model: Path, classifier: Path, export: Export, tmp_path: Path) -> None:
    folder = dora(tiny_model, tmp_path / "adapter")
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")
    assert "a pickle, which is not read" in export.refused(folder)
    plain = shutil.copytree(classifier, tmp_path / "plain")
    (plain / "model.safetensors").rename(plain / "pytorch_model.bin")
    assert f"BertForSequenceClassification.from_pretrained('{plain}').save_pretrained(" in export.refused(plain)


def test_a_base_of_another_shape_is_refused(tiny_model: Path, export: Export, tmp_path: Path) -> None:
    folder = dora(tiny_model, tmp_path / "adapter")
    other = BertConfig(
        vocab_size=30522, hidden_size=48, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    wide = saved(AutoModelForSequenceClassification.from_config(other), tiny_model, tmp_path / "wide")
    deep = AutoModelForSequenceClassification.from_pretrained(tiny_model).config
    deep.num_hidden_layers = 3
    deeper = saved(AutoModelForSequenceClassification.from_config(deep), tiny_model, tmp_path / "deeper")
    for base in (wide, deeper):
        message = export.refused(folder, "--base", str(base), f"task.labels=[{','.join(LABELS)}]")
        assert f"does not fit the base '{base}'" in message


def test_labels_that_do_not_fit_are_refused(tiny_model: Path, classifier: Path, export: Export, tmp_path: Path) -> None:
    folder = dora(tiny_model, tmp_path / "adapter")
    assert "name them in the order of their ids" in export.refused(folder)
    assert "does not fit" in export.refused(folder, "task.labels=[minus,plus,zero,more]")
    assert "in the order" in export.refused(classifier, "task.labels=[minus,plus,zero]")
    assert "with 4 labels" in export.refused(classifier, "task.labels=[minus,plus,zero,more]")
    renamed = ["task.labels=[a,b,c]"]
    assert "which the model lacks; it has a, b, c" in export.refused(classifier, *renamed)


def test_a_head_that_nobody_trained_is_refused(tiny_model: Path, export: Export, tmp_path: Path) -> None:
    message = export.refused(tiny_model, "task.labels=[minus,plus,zero]")
    assert "has no weights for classifier.bias" in message
    settings = peft.LoraConfig(target_modules=["query"])
    _, folder = adapter(classifier_base(tiny_model), settings, tmp_path / "headless")
    assert "neither the adapter nor its base has classifier" in export.refused(folder, "task.labels=[minus,plus,zero]")


def test_what_the_folder_says_itself_is_not_said_again(classifier: Path, export: Export) -> None:
    assert "says itself what it is" in export.refused(classifier, "method=full")
    assert "is over no base" in export.refused(classifier, "--base", str(classifier))
    assert "is not run by export" in export.refused(classifier, "model.trust_remote_code=true")
    assert "use at most that" in export.refused(classifier, "data.max_length=65")


def test_a_folder_without_a_tokenizer_or_rows_is_refused(classifier: Path, export: Export, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("config.json", "model.safetensors"):
        shutil.copyfile(classifier / name, bare / name)
    assert "has no tokenizer" in export.refused(bare)
    assert main(["export", "--run", str(classifier), "--out", str(export.out)]) == 2
    assert not export.out.exists()


def test_rows_do_not_go_with_a_checkpoint_of_our_own(export: Export, tmp_path: Path) -> None:
    (tmp_path / "slimtune.json").write_text("{}")
    assert "only keys of export go with it" in export.refused(tmp_path)
