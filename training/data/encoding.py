"""Token ids of the splits, cached on disk by everything that they depend on."""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors.numpy import save_file

from slimtune.training.atomic_files import written_aside
from slimtune.training.data.kept.mapped_tensors import mapped_tensors
from slimtune.training.data.tokenizing.batches import UNCUT
from slimtune.training.stages import told_stage

log = logging.getLogger(__name__)

# part of the cache key: raise it when an encoding changes
ENCODING_VERSION = 5
STARTS, NUM_CUT = ".starts", "num_cut"


class Ragged(NamedTuple):
    """N rows of numbers of any length, end to end.

    Attributes:
        values_T: int32, all rows.
        starts_N1: int64, row i is `values_T[starts_N1[i]:starts_N1[i + 1]]`.
    """

    values_T: np.ndarray
    starts_N1: np.ndarray

    @classmethod
    def of(cls, rows: Sequence[Any]) -> "Ragged":
        """From a list of rows."""
        starts = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum([len(row) for row in rows], out=starts[1:])
        parts = [np.asarray(row, dtype=np.int32) for row in rows]
        return cls(np.concatenate(parts) if parts else np.zeros(0, dtype=np.int32), starts)

    def __len__(self) -> int:
        return len(self.starts_N1) - 1

    def row(self, index: int) -> np.ndarray:
        """The numbers of one row."""
        return self.values_T[self.starts_N1[index] : self.starts_N1[index + 1]]

    def lengths(self) -> np.ndarray:
        """Numbers in each row."""
        return np.diff(self.starts_N1)


class Encoded(NamedTuple):
    """N rows as a model takes them.

    Attributes:
        columns: `input_ids`, and whatever else the task's rows have.
        num_cut: Rows that were cut.
    """

    columns: Mapping[str, Ragged]
    num_cut: int

    def __len__(self) -> int:
        return len(self.columns["input_ids"])

    def row(self, index: int) -> np.ndarray:
        """Token ids of one row."""
        return self.columns["input_ids"].row(index)

    def lengths(self) -> np.ndarray:
        """Tokens of each row."""
        return self.columns["input_ids"].lengths()

    def uncut_lengths(self) -> np.ndarray:
        """Tokens of each row before it was cut; of several texts that are cut each by itself, those of the longest."""
        if UNCUT not in self.columns:
            return self.lengths()
        column = self.columns[UNCUT]
        return np.maximum.reduceat(column.values_T, column.starts_N1[:-1]) if len(column) else column.values_T

    @property
    def num_uncut_tokens(self) -> int:
        """Tokens of all texts of all rows, before any was cut."""
        return int((self.columns[UNCUT].values_T if UNCUT in self.columns else self.lengths()).sum())

    @property
    def has_several_texts(self) -> bool:
        """Whether a row has several texts that are cut each by itself."""
        return UNCUT in self.columns and bool((self.columns[UNCUT].lengths() > 1).any())


class Recipe(NamedTuple):
    """What an encoding depends on beside the rows and the tokenizer, and how it is made."""

    settings: Mapping[str, Any]
    make: Callable[[], Encoded]
    num_rows: int | None = None


def encode(rows_digest: str, tokenizer: Any, recipe: Recipe, *, cache_dir: Path) -> Encoded:
    """Encode rows, or load what an earlier sweep made of the same rows with the same tokenizer and settings.

    Several processes may encode the same rows at once: files are written aside and renamed.

    Args:
        rows_digest: Tells the rows from all others.
        tokenizer: The model's.
        recipe: What to do with them.
        cache_dir: Where encodings are kept.
    """
    path = cache_dir / f"{encoding_key(rows_digest, tokenizer, recipe.settings)}.safetensors"
    cached = _load(path)
    if cached is not None:
        log.info("encoded data: %d rows from %s", len(cached), path)
        return cached
    with told_stage("tokenizes", recipe.num_rows):
        encoded = recipe.make()
    _save(encoded, path)
    log.info("encoded data: %d rows tokenized, kept in %s", len(encoded), path)
    # where it lies on disk it takes no memory of its own
    return _load(path) or encoded


def encoding_key(rows_digest: str, tokenizer: Any, settings: Mapping[str, Any]) -> str:
    """What an encoding of rows is known by."""
    facts = [
        ENCODING_VERSION,
        rows_digest,
        dict(settings),
        tokenizer.truncation_side,
        getattr(tokenizer, "chat_template", None),
        # an end-of-sequence token is part of a row, and may be changed beside the vocabulary
        getattr(tokenizer, "special_tokens_map", None),
    ]
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode())
    digest.update(_fingerprint(tokenizer))
    return digest.hexdigest()[:40]


def _fingerprint(tokenizer: Any) -> bytes:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None:
        # left behind by the last call, and set anew by the next one
        backend.no_truncation()
        backend.no_padding()
        return bytes(backend.to_str().encode())
    return json.dumps([type(tokenizer).__name__, sorted(tokenizer.get_vocab().items())]).encode()


def _load(path: Path) -> Encoded | None:
    try:
        tensors = mapped_tensors(path)
        names = [name for name in tensors if not name.endswith(STARTS) and name != NUM_CUT]
        columns = {name: Ragged(tensors[name], tensors[name + STARTS]) for name in names}
        return Encoded(columns, int(tensors[NUM_CUT][0]))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, LookupError, MemoryError):
        log.warning("encoded data: %s is broken and is made again", path)
        return None


def _save(encoded: Encoded, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {NUM_CUT: np.array([encoded.num_cut])}
    for name, column in encoded.columns.items():
        tensors |= {name: column.values_T, name + STARTS: column.starts_N1}
    with written_aside(path) as aside:
        save_file(tensors, aside)
