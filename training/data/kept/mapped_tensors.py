"""Tensors of a safetensors file where they lie: read when they are looked at, and shared by all processes that do."""

import json
import mmap
from pathlib import Path

import numpy as np

DTYPES = {"I64": np.int64, "I32": np.int32, "F32": np.float32, "F64": np.float64}
LENGTH_BYTES = 8


def mapped_tensors(path: Path) -> dict[str, np.ndarray]:
    """The tensors by name, none of them writable.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is broken, or has numbers of another kind.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(LENGTH_BYTES), "little")
        if not 0 < length <= path.stat().st_size - LENGTH_BYTES:
            raise ValueError("it ends before its header does")
        header = json.loads(file.read(length))
        if not isinstance(header, dict):
            raise ValueError("its header says nothing of tensors")
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return {name: _array(mapped, one, LENGTH_BYTES + length) for name, one in header.items() if name != "__metadata__"}


def _array(mapped: mmap.mmap, said: dict[str, object], start: int) -> np.ndarray:
    match said:
        case {"dtype": str(name), "shape": list(shape), "data_offsets": [int(first), int(last)]} if name in DTYPES:
            dtype = np.dtype(DTYPES[name])
            count = (last - first) // dtype.itemsize
            if start + last > len(mapped):
                raise ValueError("it ends before its last tensor")
            flat = np.frombuffer(mapped, dtype, count, start + first) if count else np.zeros(0, dtype)
            return flat.reshape(shape)
        case _:
            raise ValueError(f"a tensor that is none of ours: {said}")
