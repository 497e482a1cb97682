"""What a foreign `config.json` cannot say is told with key, value and what may stand there."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModel

from slimtune.export.adapters.base import base_config
from slimtune.training.config.model import scratch_problems
from slimtune.training.config.trial import parse_trial
from slimtune.training.errors import ConfigError, ModelError
from slimtune.training.models.architecture import from_pretrained
from slimtune.training.models.from_config import make_from_config
from slimtune.training.models.loading import check_model
from slimtune.training.tasks.classification import Classification
from tests.cases.small_models import LLAMA, changed, save_model

SMALL: dict[str, Any] = {"model_type": "llama", "vocab_size": 300, "num_key_value_heads": 2, **LLAMA}
HEAD = Classification(labels=("a", "b"))


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (
            {"hidden_act": "swiglu"},
            r'config.json has hidden_act="swiglu", which is none of gelu, .* did you mean \'silu\'',
        ),
        (
            {"rope_parameters": {"rope_type": "yarny", "rope_theta": 1e4}},
            r"rope_parameters=.*none of dynamic, linear, ",
        ),
        ({"rope_scaling": {"rope_type": "linear"}}, r"rope_scaling=.*cannot use \(KeyError.*Missing required keys"),
        ({"hidden_size": "32"}, r'hidden_size="32", which transformers cannot use \(.*expected int'),
        ({"num_attention_heads": 0}, r"num_attention_heads=0, which transformers cannot use \(ZeroDivisionError"),
        ({"id2label": ["a", "b"]}, r'id2label=\["a", "b"\], which'),
        ({"dtype": "float17"}, r'dtype="float17", which transformers cannot use'),
        ({"attention_dropout": 2.0}, r"attention_dropout=2.0; use a share in \[0, 1\]"),
        (
            {"model_type": "mine", "auto_map": {"AutoConfig": "mine.Config"}},
            "names code of its own .* say model.trust_remote_code=true",
        ),
    ],
)
def test_f9_the_key_of_a_folder_is_told(values: dict[str, Any], told: str, tmp_path: Path) -> None:
    model = save_model(tmp_path / "odd", "llama", **LLAMA)
    changed(model, "config.json", values)
    with pytest.raises(ModelError, match=told) as refused:
        check_model(base_config(str(model), None), HEAD)
    assert f"model.name_or_path is '{model}': its config.json " in str(refused.value)


def test_a_config_that_is_no_object_is_told(tmp_path: Path) -> None:
    model = save_model(tmp_path / "odd", "llama", **LLAMA)
    (model / "config.json").write_text(json.dumps([1]))
    with pytest.raises(ModelError, match=r"its config.json is broken: it holds no object in braces"):
        check_model(base_config(str(model), None), HEAD)


def cut(folder: Path, name: str) -> None:
    (folder / name).write_bytes((folder / name).read_bytes()[:-40])


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("model.safetensors", r"its model.safetensors is broken: it is cut off; .*copy the file anew"),
        ("tokenizer.json", r"its tokenizer.json is broken: it ends in the middle, at line \d+; "),
        ("generation_config.json", r"its generation_config.json is broken: it ends in the middle"),
        ("config.json", r"its config.json is broken: it ends in the middle"),
    ],
)
def test_a_file_that_was_cut_is_named(name: str, told: str, tmp_path: Path) -> None:
    """Of generation settings that it cannot read, transformers says nothing."""
    model = save_model(tmp_path / "cut", "llama", **LLAMA)
    cut(model, name)
    with pytest.raises(ModelError, match=told):
        check_model(base_config(str(model), None), HEAD)


def test_a_folder_that_is_no_model_is_told(tmp_path: Path) -> None:
    model = save_model(tmp_path / "bare", "llama", **LLAMA)
    for file in model.glob("tokenizer*"):
        file.unlink()
    with pytest.raises(ModelError, match="it has no tokenizer; save that beside the model"):
        check_model(base_config(str(model), None), HEAD)
    (model / "config.json").rename(model / "adapter_config.json")
    with pytest.raises(ModelError, match=r"it has no config.json; it is an adapter: merge it"):
        check_model(base_config(str(model), None), HEAD)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"hidden_act": "swiglu"}, r'model.scratch.hidden_act="swiglu", which is none of gelu, '),
        ({"num_key_value_heads": 3}, r"model.scratch.num_key_value_heads=3, which transformers cannot use"),
        ({"head_dim": 7}, r"model.scratch.head_dim=7, which .*even rotary dimension"),
        ({"attention_dropout": 3}, r"model.scratch.attention_dropout=3; use a share"),
        ({"hidden_size": 30, "num_attention_heads": 7}, r"no model can be made \(.*multiple of the number"),
    ],
)
def test_f9_sibling_the_key_of_a_model_that_is_made(values: dict[str, Any], told: str, tmp_path: Path) -> None:
    """What fails only in a pass is told when it is made."""
    with pytest.raises(ConfigError, match=told):
        make_from_config({**SMALL, **values}, ["a b"], tmp_path / "model", seed=0)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"vocab_size": "many"}, "model.scratch.vocab_size is 'many'; use a whole number from 258 on"),
        ({"vocab_size": 10}, "model.scratch.vocab_size is 10; use"),
        ({"vocab_size": None}, "model.scratch.vocab_size is None; use"),
        ({"model_type": 7}, "model.scratch.model_type is 7; use a name, e.g. llama"),
        ({"pad_token_id": 5}, "model.scratch.pad_token_id is of the tokenizer that is made; leave it out"),
    ],
)
def test_what_the_making_needs_is_told_with_the_config(values: dict[str, Any], told: str) -> None:
    assert scratch_problems(SMALL) == []
    assert [problem[: len(told)] for problem in scratch_problems({**SMALL, **values})] == [told]


@pytest.mark.parametrize("kind", ["gptq", "awq"])
def test_weights_that_another_library_has_packed_name_what_is_supported(
    kind: str, tiny_model: Path, tmp_path: Path, config_of: Callable[..., dict[str, Any]]
) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "packed")
    values = json.loads((folder / "config.json").read_text())
    values["quantization_config"] = {"quant_method": kind, "bits": 4, "group_size": 128}
    (folder / "config.json").write_text(json.dumps(values))
    model = parse_trial(config_of(f"model.name_or_path={folder}")).section.model
    with pytest.raises(ModelError, match=rf"stored quantized \({kind}\).*; slimtune packs.*model\.quantization=nf4"):
        from_pretrained(AutoModel, model, device_map="meta")
