"""The model is the one that the user named: its files are all of it, and nothing but heads is new."""

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    BertConfig,
    BertForMaskedLM,
)

from slimtune.export.adapters.base import base_config
from slimtune.sweeper.cli import main
from slimtune.training.config.model import Attention
from slimtune.training.errors import ModelError
from slimtune.training.models.loading import check_model, load_base
from tests.cases.small_models import LLAMA, TURNS, change_weights, changed, save_model
from tests.cases.small_models import llama as llama

LABELS = {"num_labels": 3}


def head(kind: Any, task_type: str, **options: Any) -> Any:
    return SimpleNamespace(auto_class=kind, peft_task_type=task_type, model_options=lambda: options)


CLASSIFIER = head(AutoModelForSequenceClassification, "SEQ_CLS", **LABELS)
TAGGER = head(AutoModelForTokenClassification, "TOKEN_CLS", **LABELS)
WRITER = head(AutoModelForCausalLM, "CAUSAL_LM")


def copied(source: Path, target: Path) -> Path:
    shutil.copytree(source, target)
    return target


def refused(folder: Path, asked: Any, said: str) -> None:
    """Before the first trial, and where a base is loaded by whatever command."""
    with pytest.raises(ModelError, match=said):
        check_model(base_config(str(folder), None), asked)
    device = torch.device("cpu")
    with pytest.raises(ModelError, match=said):
        load_base(base_config(str(folder), None), asked, dtype=torch.float32, device=device, pad_token_id=0)


def renamed(tensors: dict[str, torch.Tensor]) -> None:
    for name in list(tensors):
        tensors[f"student.{name}"] = tensors.pop(name)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_s4_a_file_none_of_whose_weights_fit_is_refused_whatever_the_method(
    overrides: list[str], tiny_model: Path, tmp_path: Path, method: str, capsys: pytest.CaptureFixture[str]
) -> None:
    model = copied(tiny_model, tmp_path / "foreign")
    change_weights(model, renamed)
    arguments = [*overrides, f"model.name_or_path={model}", f"method={method}", "export=none"]
    assert main(["train", *arguments, f"hydra.run.dir={tmp_path / 'run'}"]) == 2
    said = capsys.readouterr().err
    assert "needs weights that its files lack: bert." in said
    assert "no place for: student." in said
    assert "Traceback" not in said


def test_s4_one_layer_that_is_missing_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    model = copied(tiny_model, tmp_path / "cut")
    change_weights(model, lambda tensors: tensors.pop("encoder.layer.1.output.dense.weight"))
    refused(model, CLASSIFIER, "lack: bert.encoder.layer.1.output.dense.weight")


def test_s4_layers_that_the_config_has_no_place_for_are_refused(tiny_model: Path, tmp_path: Path) -> None:
    model = copied(tiny_model, tmp_path / "shorter")
    changed(model, "config.json", {"num_hidden_layers": 1})
    refused(model, TAGGER, "no place for: .*encoder.layer.1")


def test_s4_weights_of_another_shape_are_refused(tiny_model: Path, tmp_path: Path) -> None:
    model = copied(tiny_model, tmp_path / "wider")
    changed(model, "config.json", {"intermediate_size": 48})
    refused(model, CLASSIFIER, r"another shape: .*\[64.* in the file, \[48")


def test_weights_that_are_no_numbers_are_refused(tiny_model: Path, tmp_path: Path) -> None:
    def broken(tensors: dict[str, torch.Tensor]) -> None:
        tensors["encoder.layer.1.output.dense.weight"][0, :2] = torch.tensor([float("nan"), float("inf")])

    model = copied(tiny_model, tmp_path / "nan")
    change_weights(model, broken)
    refused(model, CLASSIFIER, "encoder.layer.1.output.dense.weight in model.safetensors has 2 values that are not")


def test_whole_numbers_are_no_weights(tiny_model: Path, tmp_path: Path) -> None:
    def rounded(tensors: dict[str, torch.Tensor]) -> None:
        tensors.update({name: tensor.to(torch.int8) for name, tensor in tensors.items()})

    model = copied(tiny_model, tmp_path / "int8")
    change_weights(model, rounded)
    refused(model, TAGGER, "is int8, whole numbers without the scales")


def test_s4_a_matrix_for_the_next_token_is_no_head_that_may_be_new(llama: Path, tmp_path: Path) -> None:
    model = copied(llama, tmp_path / "headless")
    change_weights(model, lambda tensors: tensors.pop("lm_head.weight"))
    refused(model, WRITER, "lack: lm_head.weight")
    checked = check_model(base_config(str(model), None), CLASSIFIER)
    assert checked.weights.new == {"score.weight"}


def test_s4_a_new_head_and_an_old_one_are_told(tiny_model: Path, tmp_path: Path) -> None:
    """Of a model that filled gaps, for classes: its pooler is new as well."""
    torch.manual_seed(0)
    config = BertConfig.from_pretrained(tiny_model)
    model = copied(tiny_model, tmp_path / "filler")
    BertForMaskedLM(config).save_pretrained(model)
    weights = check_model(base_config(str(model), None), CLASSIFIER).weights
    assert {name.rpartition(".")[0] for name in weights.new} == {"bert.pooler.dense", "classifier"}
    assert all(name.startswith("cls.") for name in weights.unused)
    assert weights.notes()[0] == "new in the model, and drawn for each trial: bert.pooler.dense, classifier"


def test_s4_a_head_for_other_classes_is_new(tiny_model: Path, tmp_path: Path) -> None:
    five = copied(tiny_model, tmp_path / "five")
    AutoModelForSequenceClassification.from_pretrained(tiny_model, num_labels=5).save_pretrained(five)
    checked = check_model(base_config(str(five), None), CLASSIFIER)
    assert checked.weights.new == {"classifier.weight", "classifier.bias"}
    assert checked.weights.unused == checked.weights.new, "the old one is told too"


def test_s4_two_matrices_that_are_to_be_one_are_refused(tmp_path: Path) -> None:
    model = save_model(tmp_path / "tied", "llama", chat_template=TURNS, tie_word_embeddings=True, **LLAMA)

    def untied(tensors: dict[str, torch.Tensor]) -> None:
        tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"] + 1

    assert check_model(base_config(str(model), None), WRITER).weights.new == frozenset()
    change_weights(model, untied)
    with pytest.raises(ModelError, match="tie_word_embeddings"):
        check_model(base_config(str(model), None), WRITER)
    change_weights(model, lambda one: one.update({"lm_head.weight": one["model.embed_tokens.weight"].clone()}))
    check_model(base_config(str(model), None), WRITER)


@pytest.mark.parametrize("values", [{"pad_token_id": 1 << 20}, {"num_attention_heads": 7}, {"model_type": "no_such"}])
def test_a_config_that_does_not_hold_together_is_told(tiny_model: Path, tmp_path: Path, values: dict[str, Any]) -> None:
    model = copied(tiny_model, tmp_path / "odd")
    changed(model, "config.json", values)
    with pytest.raises(ModelError, match="odd"):
        check_model(base_config(str(model), None), CLASSIFIER)


@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_file_that_is_broken_is_told(tiny_model: Path, tmp_path: Path, file: str) -> None:
    model = copied(tiny_model, tmp_path / "broken")
    (model / file).write_bytes((model / file).read_bytes()[:100])
    with pytest.raises(ModelError, match="broken"):
        check_model(base_config(str(model), None), CLASSIFIER)


def test_a_tokenizer_of_more_tokens_than_the_model_is_refused(
    overrides: list[str], tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from transformers import AutoTokenizer

    model = copied(tiny_model, tmp_path / "grown")
    tokenizer = AutoTokenizer.from_pretrained(model)
    tokenizer.add_tokens(["<user>"])
    tokenizer.save_pretrained(model)
    assert main(["check", *overrides, f"model.name_or_path={model}"]) == 2
    said = capsys.readouterr().err
    assert "'<user>'" in said
    assert "resize_token_embeddings" in said


@pytest.mark.parametrize("said", ["eager", "flash_attention_2", "someone/kernel"])
@pytest.mark.parametrize("asked", [Attention.eager, Attention.sdpa, Attention.auto])
def test_attention_is_what_was_asked_for_whatever_the_file_says(
    tiny_model: Path, tmp_path: Path, said: str, asked: Attention
) -> None:
    """A checkpoint that was trained with a package that is not here opens all the same."""
    model = copied(tiny_model, tmp_path / "model")
    changed(model, "config.json", {"_attn_implementation": said})
    config = replace(base_config(str(model), None), attention=asked)
    check_model(config, CLASSIFIER)
    base = load_base(config, CLASSIFIER, dtype=torch.float32, device=torch.device("cpu"), pad_token_id=0)
    expected = "sdpa" if asked is Attention.auto else asked.value
    assert base.model.config._attn_implementation == expected
