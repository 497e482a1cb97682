"""Tensors are read where they lie, and a file that is none is called broken."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from slimtune.training.data.kept.mapped_tensors import mapped_tensors


def test_tensors_come_back_as_they_were(tmp_path: Path) -> None:
    saved = {"a": np.arange(6, dtype=np.int64).reshape(2, 3), "b": np.array([0.5], dtype=np.float32)}
    save_file(saved, tmp_path / "file")
    found = mapped_tensors(tmp_path / "file")
    assert {name: one.tolist() for name, one in found.items()} == {name: one.tolist() for name, one in saved.items()}
    assert not any(one.flags.writeable for one in found.values())


@pytest.mark.parametrize(
    "content",
    [
        b"\xff" * 64,
        b"\x00" * 64,
        (2**40).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"[]",
        (2).to_bytes(8, "little") + b"{x",
        b"abc",
    ],
    ids=["no length", "empty header", "too long", "a list", "no JSON", "short"],
)
def test_what_is_no_such_file_is_broken(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ValueError):  # noqa: PT011  # whatever it is that json, or ours, says
        mapped_tensors(tmp_path / "file")
