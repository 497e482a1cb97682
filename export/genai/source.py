"""What onnxruntime-genai's builder is given: a merged model's folder that it can build, said in its own words."""

import importlib.util
import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from slimtune.export.bundle.bundle import TOKENIZER
from slimtune.training.errors import ModelError

MODEL_CONFIG = "config.json"
# of a head, by onnxruntime's attention on the CPU
HEAD_SIZE_STEP = 16
# each of their layers has the window, of which their config says nothing by layer
ALL_WINDOWED = ("mistral", "phi3")
# elsewhere the builder refuses what it does not know
KNOWN_ROTARY = {"llama": {"default", "llama3"}}


def check_source(folder: Path) -> None:
    """Refuse what the builder cannot build, or would build into something else.

    Raises:
        ModelError: A file is missing, or the architecture or a size of it is not supported.
    """
    config = read_config(folder)
    check_buildable(config, folder)
    if not (folder / TOKENIZER).is_file():
        raise ModelError(f"{folder} has no {TOKENIZER}; save its tokenizer there with transformers 5")
    if not any(folder.glob("*.safetensors")):
        raise ModelError(f"{folder} has no weights, no *.safetensors; save the merged model there")


def check_buildable(config: Mapping[str, Any], folder: Path) -> None:
    """Refuse an architecture or a size of it that is not built, by a model's `config.json`.

    Raises:
        ModelError: It is none of those that are built, or would become another model.
    """
    architecture = str((config.get("architectures") or [None])[0])
    known = architectures()
    if architecture not in known:
        raise ModelError(
            f"{folder / MODEL_CONFIG} has the architecture {architecture}, which onnxruntime-genai does not build; "
            f"it builds {', '.join(known)}"
        )
    head_size = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    if head_size % HEAD_SIZE_STEP:
        raise ModelError(
            f"{folder / MODEL_CONFIG} has attention heads of size {head_size}; onnxruntime's attention takes multiples "
            f"of {HEAD_SIZE_STEP}"
        )
    _check_positions(config, folder)


def _check_positions(config: Mapping[str, Any], folder: Path) -> None:
    """The builder of 0.18 reads a Llama's rotary type only if it knows it, and of layers that differ has the first."""
    by_type = _by_layer_type(config)
    settings = list(by_type.values()) or [config.get("rope_parameters") or {}]
    types = {one.get("rope_type", "default") for one in settings}
    known = {"default"} if by_type else KNOWN_ROTARY.get(config["model_type"], types)
    if unknown := sorted(types - known):
        raise ModelError(
            f"{folder / MODEL_CONFIG} has rotary positions of the type {unknown[0]}, which onnxruntime-genai builds of "
            f"{config['model_type']} as another; it takes {', '.join(sorted(known))}"
        )


def read_config(folder: Path) -> dict[str, Any]:
    """The `config.json` of a transformers folder.

    Raises:
        ModelError: There is none, or it is broken.
    """
    try:
        config: dict[str, Any] = json.loads((folder / MODEL_CONFIG).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{folder} is no model: it has no {MODEL_CONFIG}; give a merged transformers folder") from None
    except ValueError as error:
        raise ModelError(f"{folder / MODEL_CONFIG} is broken ({error}); save the model again") from None
    return config


def stage(folder: Path, target: Path) -> None:
    """A folder with links to the model's files, and its config as the builder reads it.

    The builder of 0.18 takes no window from a config without `layer_types`, and knows no positions by layer.
    """
    target.mkdir()
    for path in folder.iterdir():
        if path.name != MODEL_CONFIG:
            (target / path.name).symlink_to(path.resolve())
    config = read_config(folder)
    if config["model_type"] in ALL_WINDOWED and config.get("sliding_window") and not config.get("layer_types"):
        config["layer_types"] = ["sliding_attention"] * config["num_hidden_layers"]
    if by_type := _by_layer_type(config):
        local = {"rope_local_base_freq": by_type["sliding_attention"]["rope_theta"]}
        config["rope_parameters"] = {**by_type, **by_type["full_attention"], **local}
    (target / MODEL_CONFIG).write_text(json.dumps(config), encoding="utf-8")


def _by_layer_type(config: Mapping[str, Any]) -> dict[str, Any]:
    """Rotary settings of each type of layer, as Gemma 3 has them; empty where all have the same."""
    settings = config.get("rope_parameters") or {}
    return {name: one for name, one in settings.items() if isinstance(one, dict)}


@cache
def architectures() -> tuple[str, ...]:
    """What the installed builder makes of text models."""
    found = re.findall(r'architectures\[0\] == "(\w+ForCausalLM)"', _sources()["builder.py"])
    return tuple(sorted(set(found)))


def unknown_options(names: Iterable[str]) -> list[str]:
    """Options that the installed builder never reads: it says nothing of them."""
    return [name for name in names if not any(f'"{name}"' in text for text in _sources().values())]


@cache
def _sources() -> dict[str, str]:
    """The builder's files by their path."""
    found = importlib.util.find_spec("onnxruntime_genai")
    assert found is not None
    assert found.origin is not None
    folder = Path(found.origin).parent / "models"
    paths = sorted(folder.rglob("*.py"))
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in paths}
