"""What a sweep was given, by dotted key and as a person gives it: from its study, or from the configs of its trials."""

import ast
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from slimtune.sweeper.study.record import BUDGET, IDENTITY, SETTINGS
from slimtune.training.broken_files import BROKEN
from slimtune.training.tracking.display import by_dotted_key

# names, and places of outputs: these differ in any two sweeps
NAMES_AND_PLACES = (
    "search.name",
    "search.storage",
    "tracking.uri",
    "tracking.experiment",
    "export.registered_model",
    "data.cache_dir",
)
# sections of which an identity has all that matters; a trial's config has what it searched
TOLD_APART = ("space.", "task.", "model.", "method.")
# of an identity: config objects, as Python writes them
OBJECTS = ("search.sampler", "search.pruner")
N_TRIALS = "search.n_trials"


class SweepSettings(NamedTuple):
    """The settings of a sweep, as texts.

    Attributes:
        identity: What trials and scores depend on.
        others: The rest of the config; None where it is not known.
    """

    identity: Mapping[str, str]
    others: Mapping[str, str] | None


def settings_to_note(values: Mapping[str, Any], identity: Mapping[str, str]) -> dict[str, str]:
    """What a study notes beside the identity: everything else that a person may have set.

    Args:
        values: The sweep's config.
        identity: What is noted already.
    """
    known = as_set(identity)
    dotted = by_dotted_key({name: value for name, value in values.items() if isinstance(value, Mapping)})
    return {key: setting_text(value) for key, value in dotted.items() if key not in known and _is_shown(key)}


def _is_shown(key: str) -> bool:
    return key not in NAMES_AND_PLACES and not key.startswith(TOLD_APART)


def settings_of(attrs: Mapping[str, Any], folder: Path) -> SweepSettings:
    """The settings of a sweep, also of one that noted its identity alone.

    Args:
        attrs: Of its study.
        folder: The sweep's.
    """
    identity = attrs.get(IDENTITY) or {}
    others = attrs.get(SETTINGS)
    if others is None:
        config = _config_of_a_trial(folder)
        others = settings_to_note(config, identity) if config else None
        if others is not None and isinstance(attrs.get(BUDGET), int):
            # the trial may have been of an earlier command
            others = {**others, N_TRIALS: str(attrs[BUDGET])}
    return SweepSettings(as_set(identity), others)


def _config_of_a_trial(folder: Path) -> Mapping[str, Any]:
    """That of the last one; what cannot be read is not known."""
    paths = [path for path in folder.glob("trials/*/config.yaml") if path.parent.name.isdecimal()]
    try:
        text = max(paths, key=lambda path: int(path.parent.name)).read_text(encoding="utf-8") if paths else ""
        found = yaml.safe_load(text)
    except (*BROKEN, yaml.YAMLError):
        return {}
    return found if isinstance(found, Mapping) else {}


def setting_text(value: Any) -> str:
    """A value as it is given on a command line."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case Enum():
            return str(value.value)
        case Mapping():
            return f"{{{', '.join(f'{key}: {setting_text(one)}' for key, one in value.items())}}}"
        case list() | tuple():
            return f"[{', '.join(map(setting_text, value))}]"
        case _:
            return str(value)


def as_set(identity: Mapping[str, str]) -> dict[str, str]:
    """An identity by the keys and in the words of the config: its objects taken apart, nothing as Python writes it."""
    found: dict[str, str] = {}
    for key, text in identity.items():
        found |= _taken_apart(key, text)
    return found


def _taken_apart(key: str, text: str) -> dict[str, str]:
    if key not in OBJECTS and not text.startswith(("[", "{")) and text not in ("None", "True", "False"):
        return {key: text}
    try:
        return _keys_of(key, ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError):
        # a template, or an object that is written in another way
        return {key: text}


def _keys_of(key: str, node: ast.expr) -> dict[str, str]:
    match node:
        case ast.Call(keywords=parts):
            inner = [(str(part.arg), part.value) for part in parts]
        case ast.Dict(keys=keys, values=values) if any(isinstance(one, ast.Call) for one in values):
            inner = [(str(ast.literal_eval(one)), value) for one, value in zip(keys, values, strict=True) if one]
        case _:
            return {key: setting_text(ast.literal_eval(node))}
    found: dict[str, str] = {}
    for name, value in inner:
        found |= _keys_of(f"{key}.{name}", value)
    return found
