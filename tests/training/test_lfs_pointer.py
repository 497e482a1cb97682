"""A file that Git LFS has not fetched is told as that, whatever it is read as."""

from pathlib import Path

import pytest

from slimtune.export.adapters.base import base_config
from slimtune.training.data.readers.reader import read_rows
from slimtune.training.errors import DataError, ModelError
from slimtune.training.models.loading import load_tokenizer
from slimtune.training.models.place import check_place

POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'4d' * 32}\nsize 12345\n"
TOLD = "is a pointer of Git LFS, not the file itself; fetch that, .*git lfs pull"


@pytest.mark.parametrize("name", ["r.csv", "r.jsonl", "r.parquet", "r.txt", "r.json.gz", "r"])
def test_rows_that_are_a_pointer(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(POINTER)
    with pytest.raises(DataError, match=TOLD):
        read_rows(str(tmp_path / name))


@pytest.mark.parametrize("name", ["model.safetensors", "vocab.txt", "config.json"])
def test_a_model_with_a_pointer(name: str, tmp_path: Path) -> None:
    for file in ("config.json", "model.safetensors", "vocab.txt"):
        (tmp_path / file).write_text(POINTER if file == name else '{"model_type": "bert"}')
    for look in (check_place, load_tokenizer):
        with pytest.raises(ModelError, match=f"{name} {TOLD}"):
            look(base_config(str(tmp_path), None))
