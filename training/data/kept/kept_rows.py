"""Rows of a config as they were read and split, in the cache."""

import json
import logging
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from slimtune.training.atomic_files import write_json
from slimtune.training.data.kept.example_file import JoinedExamples, NotExactError, StoredExamples, write_examples
from slimtune.training.data.splits import RowSplits

log = logging.getLogger(__name__)

# fewer are read again sooner than they are looked up
LEAST_ROWS = 10_000
SPLITS = ("train", "validation", "test")
SPLIT_OFF, DIGESTS = "split_off", "digests"


class KeptRows(NamedTuple):
    """Where the rows of a config lie.

    Attributes:
        folder: Of all kept rows.
        name: What they are known by.
    """

    folder: Path
    name: str

    @property
    def record(self) -> Path:
        """All but the rows themselves; written last."""
        return self.folder / f"{self.name}.json"

    def file(self, split: str) -> Path:
        """The rows of a split."""
        return self.folder / f"{self.name}.{split}.arrow"


def load_rows(kept: KeptRows) -> RowSplits | None:
    """The rows, which are read where they are looked at; None if they are not there, or broken."""
    try:
        record: dict[str, Any] = json.loads(kept.record.read_text(encoding="utf-8"))
        found: dict[str, Any] = {name: StoredExamples(kept.file(name)) for name in SPLITS}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, pa.ArrowException):
        log.warning("rows: %s is broken, and they are read again", kept.record)
        return None
    split_off = JoinedExamples([found[name] for name in record.pop(SPLIT_OFF)])
    leaks = [(one, other) for one, other in record.pop("near_leaks")]
    digests: Mapping[str, str] = record.pop(DIGESTS)
    rows = RowSplits(**found, **record, near_leaks=leaks, split_off=split_off, known_digests=digests)
    log.info("rows: %d from %s", sum(map(len, found.values())), kept.record)
    return rows


def keep_rows(rows: RowSplits, kept: KeptRows) -> bool:
    """Keep rows, unless they are few or would not come back as they are; whether they are kept.

    Several processes may keep the same rows at once: what they write is the same.

    Raises:
        OSError: They cannot be written.
    """
    named = rows.named()
    if sum(map(len, named.values())) < LEAST_ROWS:
        return False
    kept.folder.mkdir(parents=True, exist_ok=True)
    try:
        for name, examples in named.items():
            write_examples(examples, kept.file(name))
    except NotExactError as error:
        log.info("rows: not kept, they have %s", error)
        return False
    apart = {*SPLITS, SPLIT_OFF, "known_digests"}
    record = {one.name: getattr(rows, one.name) for one in fields(rows) if one.name not in apart}
    is_off = [name for name in ("validation", "test") if named[name] and _is_split_off(rows, named[name])]
    write_json(kept.record, {**record, SPLIT_OFF: is_off, DIGESTS: dict(rows.digests)})
    return True


def _is_split_off(rows: RowSplits, held_out: Any) -> bool:
    """Whether rows of a held-out split come from the training file: all do, or none."""
    return any(one is held_out[0] for one in rows.split_off)
