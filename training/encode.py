"""Token ids of the splits, cached on disk by everything that they depend on."""

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

log = logging.getLogger(__name__)

# part of the cache key: raise it when the encoding below changes
ENCODING_VERSION = 1


class Encoded(NamedTuple):
    """Token ids of N texts, end to end.

    Attributes:
        ids_T: int32, all tokens.
        starts_N1: int64, row i is `ids_T[starts_N1[i]:starts_N1[i + 1]]`.
        num_cut: Rows that `max_length` cut.
    """

    ids_T: np.ndarray
    starts_N1: np.ndarray
    num_cut: int

    def __len__(self) -> int:
        return len(self.starts_N1) - 1

    def row(self, index: int) -> np.ndarray:
        """Token ids of one row."""
        return self.ids_T[self.starts_N1[index] : self.starts_N1[index + 1]]

    def lengths(self) -> np.ndarray:
        """Tokens of each row."""
        return np.diff(self.starts_N1)


def encode(texts: Sequence[str], tokenizer: Any, *, max_length: int, cache_dir: Path) -> Encoded:
    """Tokenize, or load what an earlier sweep tokenized from the same texts with the same tokenizer.

    Special tokens are the tokenizer's own. Several processes may encode the same texts at once: files are written
    aside and renamed.
    """
    path = cache_dir / f"{_key(texts, tokenizer, max_length)}.safetensors"
    cached = _load(path)
    if cached is not None:
        log.info("encoded data: %d rows from %s", len(cached), path)
        return cached
    encoded = _tokenize(texts, tokenizer, max_length)
    _save(encoded, path)
    log.info("encoded data: %d rows tokenized, kept in %s", len(encoded), path)
    return encoded


def _tokenize(texts: Sequence[str], tokenizer: Any, max_length: int) -> Encoded:
    rows = tokenizer(list(texts), truncation=False, padding=False, verbose=False)["input_ids"]
    num_cut = sum(len(row) > max_length for row in rows)
    if num_cut:
        rows = tokenizer(list(texts), truncation=True, max_length=max_length, padding=False)["input_ids"]
    starts = np.zeros(len(rows) + 1, dtype=np.int64)
    np.cumsum([len(row) for row in rows], out=starts[1:])
    return Encoded(np.concatenate([np.asarray(row, dtype=np.int32) for row in rows]), starts, num_cut)


def _key(texts: Sequence[str], tokenizer: Any, max_length: int) -> str:
    digest = hashlib.sha256(json.dumps([ENCODING_VERSION, max_length, tokenizer.truncation_side]).encode())
    digest.update(_fingerprint(tokenizer))
    for text in texts:
        data = text.encode()
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()[:40]


def _fingerprint(tokenizer: Any) -> bytes:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None:
        return bytes(backend.to_str().encode())
    return json.dumps([type(tokenizer).__name__, sorted(tokenizer.get_vocab().items())]).encode()


def _load(path: Path) -> Encoded | None:
    try:
        tensors = load_file(path)
    except FileNotFoundError:
        return None
    except SafetensorError:
        log.warning("encoded data: %s is broken and is made again", path)
        return None
    return Encoded(tensors["ids"], tensors["starts"], int(tensors["num_cut"][0]))


def _save(encoded: Encoded, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=path.parent, suffix=".aside")
    os.close(handle)
    save_file({"ids": encoded.ids_T, "starts": encoded.starts_N1, "num_cut": np.array([encoded.num_cut])}, aside)
    os.replace(aside, path)
