"""What a folder holds of an earlier trial, which another one does not replace without a word."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from slimtune.sweeper.campaigns.comparable import result_keys
from slimtune.training.broken_files import BROKEN, read_object
from slimtune.training.checkpoints.attempt import ATTEMPT
from slimtune.training.checkpoints.kinds import RECORD, STATE_FACTS, STATE_PREFIX
from slimtune.training.config.trial import RESULT_SECTIONS
from slimtune.training.errors import StoreError
from slimtune.training.tracking.display import by_dotted_key

ROWS = "the rows of the data: others than it was trained on; a file has changed since"
WEIGHTS = "the weights of the base model: others than it was trained on; its files have changed since"
ABSENT = "not there"
ANEW = "take another folder (hydra.run.dir), or remove this one to begin anew"
FURTHER = "a finished trial is not trained further in its place (docs/methods.md, Train a finished trial further)"


class Held(NamedTuple):
    """An earlier trial in a folder.

    Attributes:
        config: Its composed config, or the sections that its result depends on.
        data: Fingerprint of its rows.
        base: Fingerprint of its base model's weights; None where that is not known.
        is_interrupted: Whether it did not end, so that the same config goes on with it.
    """

    config: Mapping[str, Any]
    data: str
    base: str | None
    is_interrupted: bool


def saved_states(folder: Path) -> list[Path]:
    """The files of the states that an interrupted trial goes on from."""
    return sorted(folder.glob(f"{STATE_PREFIX}*/{STATE_FACTS}"))


def held_in(folder: Path) -> Held | None:
    """The trial of which there is a state or a checkpoint in a folder; None if there is none.

    Raises:
        StoreError: There is one, and what it says of itself cannot be read.
    """
    states = saved_states(folder)
    records = [path for inside in ("", "steps/") for path in sorted(folder.glob(f"{inside}checkpoint-*/{RECORD}"))]
    is_interrupted = bool(states) or (folder / ATTEMPT).is_file()
    for path, data, base in [
        *((path, "data", "base") for path in states),
        *((path, "data_fingerprint", "base_fingerprint") for path in records),
    ]:
        try:
            values = read_object(path)
            return Held(dict(values["config"]), values[data], values.get(base), is_interrupted)
        except BROKEN:
            # the next one may be whole
            continue
    if states or records:
        raise StoreError(f"{folder} holds a trial, and {(states or records)[0]} cannot be read; {ANEW}")
    return None


def check_same_config(folder: Path, values: Mapping[str, Any]) -> None:
    """Whether a trial of this config may write into a folder.

    Raises:
        StoreError: One of another config lies there, and would be replaced; all keys that differ are named.
    """
    if (held := held_in(folder)) is None:
        return
    # a state is of every key of its sections
    keys = _all_keys if held.is_interrupted else result_keys
    before, now = (_as_noted(keys(config)) for config in (held.config, values))
    changed = [key for key in sorted(before.keys() | now.keys()) if before.get(key, ABSENT) != now.get(key, ABSENT)]
    if changed:
        told = [f"{key}: {_text(before.get(key, ABSENT))} -> {_text(now.get(key, ABSENT))}" for key in changed]
        raise _refused(folder, held, told)


def check_same_files(folder: Path, *, data: str, base: str | None) -> None:
    """Whether rows and base model are those that the trial in a folder was trained on.

    Raises:
        StoreError: They are not.
    """
    if (held := held_in(folder)) is None:
        return
    changed = [ROWS] if held.data != data else []
    if None not in (held.base, base) and held.base != base:
        changed.append(WEIGHTS)
    if changed:
        raise _refused(folder, held, changed)


def _all_keys(config: Mapping[str, Any]) -> dict[str, Any]:
    return by_dotted_key({name: config.get(name) for name in RESULT_SECTIONS})


def _as_noted(values: Mapping[str, Any]) -> dict[str, Any]:
    """As a file of JSON gives them back."""
    noted: dict[str, Any] = json.loads(json.dumps(values, default=str))
    return noted


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _refused(folder: Path, held: Held, changed: list[str]) -> StoreError:
    what = "an interrupted trial" if held.is_interrupted else "a trial"
    lines = [f"{folder} holds {what} that was begun with something else, and would be replaced:"]
    lines += [f"  - {one}" for one in changed]
    return StoreError("\n".join([*lines, ANEW, *([] if held.is_interrupted else [FURTHER])]))
