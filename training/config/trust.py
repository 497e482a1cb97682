"""Code that a config names, and whose file names it: what somebody else wrote imports nothing unless it is trusted."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from slimtune.training.config.task import METRIC_KEYS, CustomTask
from slimtune.training.config.trial import TrialConfig, parse_trial
from slimtune.training.errors import ModelError, UntrustedError

TRUST_HELP = "run the code that the model's own files name; only if you trust who made them"
# losses whose making and calling does nothing else
_HARMLESS_LOSS = re.compile(
    r"slimtune\.training\.tasks\.pair_losses\.(ContrastiveLoss|CosineLoss|MultipleNegativesLoss)|torch\.nn\.\w+Loss"
)


# it changes rows that were read
AUGMENT = "fit.augment._target_"
_LIBRARY = re.compile(r"\.(so|dll|dylib|pyd)\b", re.IGNORECASE)
_LIBRARY_KEY = re.compile(r"librar|_lib_|backend_path", re.IGNORECASE)


class NamedCode(NamedTuple):
    """Code that a file asks for.

    Attributes:
        key: Of the config.
        name: What stands there: a dotted path, a name on the hub, a library.
    """

    key: str
    name: str


# what the user's own command or config files have named in this process
_own: set[NamedCode] = set()


def code_of(config: TrialConfig) -> list[NamedCode]:
    """All that a config would have imported and run, beside what slimtune has itself."""
    task, model = config.task, config.model
    found = [NamedCode("task.metrics", name) for name in task.metrics if name not in METRIC_KEYS]
    if isinstance(task, CustomTask):
        found.append(NamedCode("task.name", task.name))
    if task.loss is not None and not _HARMLESS_LOSS.fullmatch(str(task.loss["_target_"])):
        found.append(NamedCode("task.loss._target_", str(task.loss["_target_"])))
    if config.data.reader is not None:
        found.append(NamedCode("data.reader", config.data.reader))
    if config.fit.augment is not None:
        found.append(NamedCode(AUGMENT, str(config.fit.augment["_target_"])))
    if model.trust_remote_code:
        found.append(NamedCode("model.trust_remote_code", f"the code beside {model.name_or_path}"))
    return found


def reading_code_of(config: TrialConfig) -> list[NamedCode]:
    """Of these, what may decide which rows there are, and what is told of them."""
    return [one for one in code_of(config) if one.key != AUGMENT]


def libraries_in(values: Any, key: str = "") -> list[NamedCode]:
    """Shared libraries that options of a runtime name, by the key under which they stand."""
    if isinstance(values, Mapping):
        parts = [libraries_in(value, f"{key}.{name}".lstrip(".")) for name, value in values.items()]
        return [one for part in parts for one in part]
    if isinstance(values, list):
        return [one for value in values for one in libraries_in(value, key)]
    is_library = isinstance(values, str) and (_LIBRARY.search(values) or _LIBRARY_KEY.search(key))
    return [NamedCode(key, values)] if is_library and values else []


def trust_own(code: Iterable[NamedCode]) -> None:
    """Note what the user's own command names: files that say the same are trusted in this process."""
    _own.update(code)


def code_named_by_user() -> frozenset[NamedCode]:
    """What the user's own command has named."""
    return frozenset(_own)


def check_trusted(code: Iterable[NamedCode], path: Path, *, trust: bool) -> None:
    """Whether code that a file names may be run.

    Raises:
        UntrustedError: The user's own command does not name it, and nobody said that the file is to be trusted.
    """
    foreign = [one for one in code if one not in _own]
    if foreign and not trust:
        named = ", ".join(f"{one.key} = {one.name!r}" for one in foreign)
        raise UntrustedError(
            f"{path} names code that would be imported and run here: {named}. Nothing of it was. If you know who wrote "
            "this file and trust them, add --trust (in Python trust=True)"
        )


def recorded_trial(values: Mapping[str, Any], path: Path, *, trust: bool) -> TrialConfig:
    """The config that a file keeps of the trial that it is of, without what changes training rows.

    Args:
        values: As the file has them.
        path: The file.
        trust: Whether the code that it names may be run.

    Raises:
        ModelError: It was written by a version with other keys.
        UntrustedError: It names code, and neither `trust` nor the user's own command allows it.
    """
    parsed = parse_trial(values)
    if parsed.problems:
        raise ModelError(
            f"{path} does not fit this version of slimtune: {'; '.join(parsed.problems)}; open it with the version "
            "that wrote it, or train again"
        )
    # its rows are scored as they stand, and nothing changes them
    found = parsed.section._replace(fit=replace(parsed.section.fit, augment=None))
    check_trusted(code_of(found), path, trust=trust)
    return found
