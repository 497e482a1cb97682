"""The settings of an adapter as peft writes them, each value of the kind that peft takes without a look at it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from slimtune.training.broken_files import read_object


class _Kind(NamedTuple):
    """What may stand in a setting, in words, and whether a value is such."""

    words: str
    fits: Callable[[Any], bool]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_pattern(value: Any) -> bool:
    return isinstance(value, Mapping) and all(_is_number(one) and one > 0 for one in value.values())


_NAMES = _Kind(
    "a list of names, a pattern or null", lambda value: value is None or isinstance(value, str) or _are_names(value)
)
_LIST = _Kind("a list of names or null", lambda value: value is None or _are_names(value))
_TEXT = _Kind("a text or null", lambda value: value is None or isinstance(value, str))
_PATTERN = _Kind("an object of numbers above 0", _is_pattern)
# what peft uses as it stands, in LoRA and IA3; further ones are at their defaults or refused
KINDS: Mapping[str, _Kind] = {
    "peft_type": _Kind("a text", lambda value: isinstance(value, str)),
    "task_type": _TEXT,
    "base_model_name_or_path": _TEXT,
    "revision": _TEXT,
    "bias": _Kind("none, all or lora_only", lambda value: value in ("none", "all", "lora_only")),
    "r": _Kind("a whole number above 0", lambda value: type(value) is int and value > 0),
    "lora_alpha": _Kind("a number above 0", lambda value: _is_number(value) and value > 0),
    "lora_dropout": _Kind("a share in [0, 1)", lambda value: _is_number(value) and 0 <= value < 1),
    "rank_pattern": _PATTERN,
    "alpha_pattern": _PATTERN,
    "target_modules": _NAMES,
    "exclude_modules": _NAMES,
    "feedforward_modules": _NAMES,
    "modules_to_save": _LIST,
}


def read_adapter_settings(path: Path) -> dict[str, Any]:
    """The values of an `adapter_config.json`.

    Raises:
        OSError: The file cannot be read.
        KeyError: It does not say what kind of adapter it is of.
        ValueError: It holds something else, or a value is of another kind than peft takes.
    """
    settings = read_object(path)
    if "peft_type" not in settings:
        raise KeyError("peft_type")
    for name, kind in KINDS.items():
        if name in settings and not kind.fits(settings[name]):
            raise ValueError(f"its '{name}' is {json.dumps(settings[name]):.60}, and not {kind.words}")
    return settings
