"""Sampler and pruner of an app that has no `search` group: by name, with the values of slimtune's files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

import slimtune

FOLDER = Path(slimtune.__file__).parent / "conf" / "search"
GROUPS = ("sampler", "pruner")


def with_named_parts(search: Mapping[str, Any]) -> dict[str, Any]:
    """The section with whole sections of sampler and pruner, where it names them: `sampler: gp`, or
    `sampler: {name: gp, n_startup_trials: 3}`, what is left out being as in the file.
    """
    return {**search, **{group: _whole(group, search.get(group)) for group in GROUPS}}


def _whole(group: str, given: Any) -> Any:
    name = given.get("name") if isinstance(given, Mapping) else given
    own = values_of_file(group, name) if isinstance(name, str) else None
    if own is None:
        # told by whoever reads it
        return given
    if not isinstance(given, Mapping):
        return own
    # Hydra merges what is given into what is there, which is the default one
    left = default_of(group)
    return own | {key: value for key, value in given.items() if key in own or left.get(key, given) != value}


def default_of(group: str) -> Mapping[str, Any]:
    """The values that a sampler or a pruner has where none is chosen."""
    choices: Any = OmegaConf.to_container(OmegaConf.load(FOLDER / "default.yaml"))
    (name,) = [choice[group] for choice in choices["defaults"] if isinstance(choice, dict) and group in choice]
    return values_of_file(group, name) or {}


def values_of_file(group: str, name: str) -> dict[str, Any] | None:
    """The values of `conf/search/<group>/<name>.yaml` with those that it takes from others; None without it."""
    path = FOLDER / group / f"{name}.yaml"
    if not name.isidentifier() or not path.is_file():
        return None
    values: dict[str, Any] = OmegaConf.to_container(OmegaConf.load(path))  # type: ignore[assignment]
    inner: dict[str, Any] = {}
    for choice in values.pop("defaults", []):
        for key, option in choice.items() if isinstance(choice, dict) else ():
            # such as `/search/pruner@pruners.first: median`
            OmegaConf.update(found := OmegaConf.create(inner), key.partition("@")[2], values_of_file(group, option))
            inner = OmegaConf.to_container(found)  # type: ignore[assignment]
    return inner | values
