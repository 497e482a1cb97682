"""What the rows of a config depend on, as far as it can be told without reading them: files, keys, and the code."""

import hashlib
import json
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from slimtune.training.config.trial import TrialConfig
from slimtune.training.config.trust import reading_code_of
from slimtune.training.data.readers.files import files_of
from slimtune.training.data.readers.reader import is_local
from slimtune.training.data.splits import RowSplits

# keys of the section `data` that say nothing of which rows there are
SILENT_KEYS = ("max_length", "cache_dir", "baselines", "validation_rows")
# they split the rows, and say which of them are alike
PACKAGES = ("numpy", "scikit-learn", "rensa", "pyarrow")
# code by which rows are read, parsed and split
ROOMS = ("data", "tasks")


def rows_key(config: TrialConfig) -> str:
    """Equal for configs with the same rows, as long as the files do not change."""
    data = {key: value for key, value in asdict(config.data).items() if key not in SILENT_KEYS}
    return json.dumps([asdict(config.task), data], default=str, sort_keys=True)


def source_digest(config: TrialConfig) -> str | None:
    """sha256 of the contents of the files and of all else that the rows depend on; None where that cannot be told.

    That is so of a hub's rows, of Python's own text, and of rows that code of the user's own reads.

    Raises:
        DataError: A file is missing.
    """
    if reading_code_of(config):
        return None
    digest = hashlib.sha256(json.dumps([rows_key(config), code_digest()]).encode())
    for given in (config.data.train_file, config.data.validation_file, config.data.test_file):
        digest.update(b"\0file")
        for name in _names(given):
            if not is_local(name):
                return None
            for path in files_of(name):
                # a row of a document names its file
                digest.update(str(path).encode("utf-8", "surrogateescape") + b"\0" + _content(path))
    return digest.hexdigest()


def rows_digest(config: TrialConfig, rows: RowSplits) -> str:
    """sha256 of rows that were read, and of what they were read by."""
    return hashlib.sha256(json.dumps([rows_key(config), rows.fingerprint]).encode()).hexdigest()


@cache
def code_digest(*rooms: str) -> str:
    """Of the code that reads rows, that of more rooms, and the versions that it calls: another may read otherwise."""
    digest = hashlib.sha256(json.dumps([platform.python_version(), *map(_version, PACKAGES)]).encode())
    for path in _sources((*ROOMS, *rooms)):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _sources(rooms: Sequence[str]) -> Iterator[Path]:
    training = Path(__file__).parents[2]
    for room in rooms:
        yield from sorted((training / room).rglob("*.py"))


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _names(given: Any) -> list[str]:
    if given is None:
        return []
    return [given] if isinstance(given, str) else list(given)


def _content(path: Path) -> bytes:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").digest()
