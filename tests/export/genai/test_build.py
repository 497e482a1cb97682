"""Folders for onnxruntime-genai: what the runtime answers, beside transformers."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

pytest.importorskip("onnxruntime_genai", reason="onnxruntime-genai is not installed: pip install 'slimtune[genai]'")

from slimtune.export.checkpoint_formats.merged_checkpoint import save_merged
from slimtune.export.genai import build as genai_build
from slimtune.export.genai.build import GenaiSettings, build_genai
from slimtune.export.genai.check import GenaiCheck, GenaiSample, check_genai
from slimtune.export.graph_names import MODEL
from slimtune.export.precisions import GenaiPrecision
from slimtune.export.runtime.genai_session import GenaiSession
from slimtune.training.errors import ModelError
from slimtune.training.models.from_config import trained_tokenizer
from tests.export.conftest import documented, run_code, trained
from tests.export.genai.families import FAMILIES, SIZES, TEXTS
from tests.forked import run_module
from tests.training.tasks.conftest import ANSWERS

FP32, FP16, INT4 = GenaiPrecision.fp32, GenaiPrecision.fp16, GenaiPrecision.int4


class Source(NamedTuple):
    """A trained model, and the folder that it was saved to."""

    model: Any
    tokenizer: Any
    folder: Path

    @property
    def sample(self) -> GenaiSample:
        rows = [self.tokenizer(text).input_ids for text in TEXTS[::4]]
        return GenaiSample([row[: 1 + at % 9] for at, row in enumerate(rows)], rows, max_new_tokens=24)

    def checked(self, folder: Path) -> GenaiCheck:
        return check_genai(folder, self.model, self.tokenizer, self.sample, num_threads=1)


def learned(model: Any, tokenizer: Any) -> Any:
    """After a moment of training: ties between random scores would be broken by rounding."""
    batch = tokenizer([text + tokenizer.eos_token for text in TEXTS], padding=True, return_tensors="pt")
    labels = batch.input_ids.masked_fill(batch.attention_mask == 0, -100)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    generator = torch.Generator().manual_seed(0)
    for _ in range(50):
        rows = torch.randint(0, len(TEXTS), (16,), generator=generator)
        loss = model(
            input_ids=batch.input_ids[rows], attention_mask=batch.attention_mask[rows], labels=labels[rows]
        ).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return model.eval()


@pytest.fixture(scope="module", autouse=True)
def _forked_on_one_thread() -> Iterator[None]:
    """Builders are forked, in half of their time; threads of so small models would only wait for one another.

    That the builder starts by itself is for the tests of bundles, and for the one of broken weights.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setattr(genai_build, "subprocess", SimpleNamespace(run=run_module))
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def source_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Source]:
    made: dict[str, Source] = {}
    tokenizer = trained_tokenizer(TEXTS, 320)
    special = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}

    def make(family: str) -> Source:
        if family not in made:
            torch.manual_seed(0)
            config = AutoConfig.for_model(family, vocab_size=len(tokenizer), **{**SIZES, **special, **FAMILIES[family]})
            model = learned(AutoModelForCausalLM.from_config(config), tokenizer)
            made[family] = Source(model, tokenizer, tmp_path_factory.mktemp("genai") / family)
            save_merged(*made[family])
        return made[family]

    return make


@pytest.fixture(scope="module")
def built(source_of: Callable[[str], Source], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    made: dict[Any, Path] = {}

    def build(family: str, precision: GenaiPrecision) -> Path:
        if (family, precision) not in made:
            made[family, precision] = tmp_path_factory.mktemp("built") / family
            build_genai(source_of(family).folder, made[family, precision], GenaiSettings(precision))
        return made[family, precision]

    return build


def families(*quick: str, slow: Sequence[str]) -> list[Any]:
    """In fp32 all are built; few bits are spread over them, half in the slow set: a build takes five seconds."""
    return [*quick, *(pytest.param(name, marks=pytest.mark.slow) for name in slow)]


def matrix_bytes(folder: Path) -> int:
    """Of the weights of matrix products, with their scales."""
    graph = onnx.load(folder / MODEL, load_external_data=False).graph
    names = {name for node in graph.node if node.op_type in ("MatMul", "MatMulNBits") for name in node.input[1:]}
    sizes = [
        onnx.helper.tensor_dtype_to_np_dtype(item.data_type).itemsize * np.prod(item.dims) for item in graph.initializer
    ]
    return int(sum(size for size, item in zip(sizes, graph.initializer, strict=True) if item.name in names))


@pytest.mark.parametrize("family", FAMILIES)
def test_fp32_writes_what_transformers_writes(family: str, source_of: Any, built: Any) -> None:
    """Greedy, token by token, for prompts of unlike length; and predicts as well."""
    checked = source_of(family).checked(built(family, FP32))
    assert checked.answers_equal == checked.tokens_equal == 1
    assert checked.perplexity == pytest.approx(checked.perplexity_pytorch, rel=1e-3)
    # it has learned something, so that equality says something
    assert checked.perplexity < 3


@pytest.mark.parametrize("family", families("qwen3", slow=("phi3", "gemma")))
def test_fp16_runs_on_the_cpu_in_half_the_size(family: str, source_of: Any, built: Any) -> None:
    """Its graph is the one for CUDA, whose operators the CPU has as well."""
    checked = source_of(family).checked(built(family, FP16))
    assert checked.perplexity == pytest.approx(checked.perplexity_pytorch, rel=1e-2)
    assert checked.tokens_equal > 0.9
    assert matrix_bytes(built(family, FP16)) == matrix_bytes(built(family, FP32)) / 2


@pytest.mark.parametrize("family", families("llama", slow=("gemma3_text", "qwen2", "mistral")))
def test_int4_is_small_and_predicts_nearly_as_well(family: str, source_of: Any, built: Any) -> None:
    """Matrices take less than 0.4 of fp32's bytes."""
    checked = source_of(family).checked(built(family, INT4))
    assert checked.perplexity == pytest.approx(checked.perplexity_pytorch, rel=0.15)
    assert matrix_bytes(built(family, INT4)) < 0.4 * matrix_bytes(built(family, FP32))


def test_block_size_and_zero_points_are_those_of_the_recipe(source_of: Any, tmp_path: Path) -> None:
    """Embeddings that are tied to the output stay in fp32 if they are not to be quantized."""
    recipe = GenaiSettings(INT4, block_size=16, symmetric=False, quantize_embeddings=False)
    build_genai(source_of("qwen2").folder, tmp_path / "folder", recipe, extra={"fuse_qkv": "false"})
    graph = onnx.load(tmp_path / "folder" / MODEL, load_external_data=False).graph
    quantized = [node for node in graph.node if node.op_type == "MatMulNBits"]
    assert {item.i for node in quantized for item in node.attribute if item.name == "block_size"} == {16}
    assert all(node.input[3] for node in quantized)
    assert not [node for node in graph.node if node.op_type == "GatherBlockQuantized"]
    # queries, keys and values apart: seven matrices of the layer, and the head
    assert len(quantized) == 7 + 1


def test_a_batch_gives_what_row_by_row_gives(source_of: Any, built: Any) -> None:
    """Also with a prompt that holds the padding token."""
    source, session = source_of("llama"), GenaiSession(built("llama", FP32), num_threads=1)
    prompts = [*source.sample.prompts, *source.sample.prompts[:3]]
    prompts += [[source.tokenizer.pad_token_id, *prompts[4]]]
    for num_beams in (1, 3):
        batch = session.generate(prompts, max_new_tokens=16, num_beams=num_beams)
        assert batch == [session.generate([row], max_new_tokens=16, num_beams=num_beams)[0] for row in prompts]


def test_texts_are_tokenized_as_in_training(source_of: Any, built: Any) -> None:
    """By `tokenizer.json`: the runtime's own tokenizer leaves out what stands before a text."""
    session, tokenizer = GenaiSession(built("llama", FP32)), source_of("llama").tokenizer
    assert session.encode(TEXTS) == tokenizer(TEXTS).input_ids
    assert session.decode(session.encode(TEXTS)) == TEXTS


def test_a_row_that_is_longer_than_a_chunk_is_predicted_whole(built: Any, source_of: Any, monkeypatch: Any) -> None:
    """Scores are read in chunks, which changes nothing."""
    session, rows = GenaiSession(built("llama", FP32)), source_of("llama").sample.rows
    whole = session.nats(rows)
    monkeypatch.setattr("slimtune.export.runtime.genai_session.CHUNK_TOKENS", 5)
    assert session.nats(rows).nats == pytest.approx(whole.nats, rel=1e-5)
    assert whole.counts == [len(row) - 1 for row in rows]


def test_settings_are_those_of_the_tokenizer_and_of_the_evaluation(source_of: Any, tmp_path: Path) -> None:
    """An end that is an ordinary token is dropped, a special one is kept, and penalties are taken over."""
    source = source_of("llama")
    folder = shutil.copytree(source.folder, tmp_path / "source")
    tokenizer = source.tokenizer
    ends = [5, tokenizer.pad_token_id]
    generation = {"eos_token_id": ends, "repetition_penalty": 1.3, "do_sample": True, "temperature": 0.5}
    (folder / "generation_config.json").write_text(json.dumps(generation))
    build_genai(folder, tmp_path / "built", GenaiSettings(FP32))
    settings = json.loads((tmp_path / "built/genai_config.json").read_text())
    assert settings["model"]["eos_token_id"] == [tokenizer.eos_token_id, tokenizer.pad_token_id]
    assert settings["model"]["pad_token_id"] == tokenizer.pad_token_id
    assert settings["model"]["context_length"] == 128
    assert (settings["search"]["repetition_penalty"], settings["search"]["do_sample"]) == (1.3, False)


def edited(folder: Path, target: Path, **config: Any) -> Path:
    """A copy with another config."""
    shutil.copytree(folder, target)
    path = target / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **config}))
    return target


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (
            {"architectures": ["BertForMaskedLM"]},
            "BertForMaskedLM, which .* builds .*LlamaForCausalLM.*Qwen3ForCausalLM",
        ),
        ({"head_dim": 8}, "size 8; .* multiples of 16"),
        (
            {"rope_parameters": {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}},
            "dynamic, .* default, llama3",
        ),
    ],
)
def test_what_cannot_be_built_is_refused_before(source_of: Any, tmp_path: Path, config: Any, said: str) -> None:
    """The message names what works."""
    folder = edited(source_of("llama").folder, tmp_path / "source", **config)
    with pytest.raises(ModelError, match=said):
        build_genai(folder, tmp_path / "built", GenaiSettings(FP32))
    assert not (tmp_path / "built").exists()


@pytest.mark.parametrize(
    ("recipe", "extra", "said"),
    [
        (GenaiSettings(INT4, block_size=33), {}, "block_size is 33; use one of 16, 32"),
        (GenaiSettings(INT4), {"block_size": "64"}, "block_size is set by the settings"),
        (GenaiSettings(FP32), {"fuse_kqv": "false"}, "has no option fuse_kqv"),
    ],
)
def test_options_that_would_be_ignored_are_refused(
    source_of: Any, tmp_path: Path, recipe: GenaiSettings, extra: Any, said: str
) -> None:
    """The builder itself says nothing of them."""
    with pytest.raises(ModelError, match=said):
        build_genai(source_of("llama").folder, tmp_path / "built", recipe, extra=extra)


def test_a_folder_without_weights_is_no_model(source_of: Any, tmp_path: Path) -> None:
    """Nor is one without a config."""
    folder = edited(source_of("llama").folder, tmp_path / "source")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="no weights"):
        build_genai(folder, tmp_path / "built", GenaiSettings(FP32))
    with pytest.raises(ModelError, match=r"no config\.json"):
        build_genai(tmp_path, tmp_path / "built", GenaiSettings(FP32))


def test_broken_weights_are_an_error_of_the_model(
    source_of: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the builder's last line, and nothing is left behind."""
    monkeypatch.setattr(genai_build, "subprocess", subprocess)
    folder = edited(source_of("llama").folder, tmp_path / "source")
    (folder / "model.safetensors").write_bytes(b"none")
    with pytest.raises(ModelError, match=r"builder failed .*header.*check that transformers loads"):
        build_genai(folder, tmp_path / "built", GenaiSettings(FP32))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source"]


@pytest.mark.slow
def test_weights_that_are_not_there_are_not_drawn_anew(source_of: Any, tmp_path: Path) -> None:
    """transformers draws them and goes on."""
    folder = edited(source_of("llama").folder, tmp_path / "source")
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.0.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="are not in the folder's files"):
        build_genai(folder, tmp_path / "built", GenaiSettings(FP32))


def test_a_folder_that_lost_a_file_cannot_be_run(built: Any, tmp_path: Path) -> None:
    """An error of the model, not of the library."""
    folder = shutil.copytree(built("llama", FP32), tmp_path / "folder")
    (folder / f"{MODEL}.data").unlink()
    with pytest.raises(ModelError, match=r"cannot be run .* build it again"):
        GenaiSession(folder)


def test_rows_that_do_not_fit_are_refused(built: Any) -> None:
    """The runtime's positions end at the context length."""
    session = GenaiSession(built("llama", FP32))
    with pytest.raises(ModelError, match="has 120 tokens and an answer may have 16; the model reads 128"):
        session.generate([[5] * 120], max_new_tokens=16)
    with pytest.raises(ModelError, match="no tokens"):
        session.nats([[]])


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Before anything else is looked at."""
    monkeypatch.setitem(sys.modules, "onnxruntime_genai", None)
    with pytest.raises(ModelError, match=r"pip install 'slimtune\[genai\]'"):
        build_genai(tmp_path, tmp_path / "built", GenaiSettings(FP32))


def test_layers_that_the_architecture_has_not_are_refused(source_of: Any, tmp_path: Path) -> None:
    """The builder would leave them out, and what it builds would be another model."""
    source = source_of("llama")
    source.model.model.layers[0].more = torch.nn.Linear(2, 2)
    with pytest.raises(ModelError, match=r"layers\.0\.more\.bias, which others would leave out"):
        save_merged(source.model, source.tokenizer, tmp_path / "saved")
    del source.model.model.layers[0].more


def test_the_snippet_of_the_docs_runs(built: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the package and the tokenizer alone."""
    shutil.copytree(built("llama", INT4), tmp_path / "folder")
    monkeypatch.chdir(tmp_path)
    assert run_code(documented("genai.md")).startswith("Mara left")


@pytest.mark.slow
def test_a_trained_checkpoint_answers_alike(source_of: Any, tmp_path: Path) -> None:
    """LoRA, merged, saved and built."""
    from slimtune.training.checkpoints.checkpoint import open_checkpoint
    from slimtune.training.methods import method_of

    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps(row) + "\n" for row in ANSWERS))
    more = ("task=generation", "task.max_new_tokens=8", "data.drop_leaks=false", "fit.epochs=1", "export=none")
    checkpoint = trained(tmp_path, source_of("llama").folder, rows, *more)
    opened = open_checkpoint(checkpoint)
    merged = method_of(opened.config.method).merge(opened.model())
    source = Source(merged, opened.tokenizer(), tmp_path / "merged")
    save_merged(*source)
    build_genai(source.folder, tmp_path / "built", GenaiSettings(FP32))
    assert source.checked(tmp_path / "built").answers_equal == 1
