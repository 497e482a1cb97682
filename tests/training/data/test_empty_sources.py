"""Data without rows is told by the key that names it."""

from pathlib import Path
from typing import Any

import pytest

from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.slices.row_slice import sources_of
from slimtune.training.errors import DataError
from slimtune.training.tasks.rows import read_splits
from tests.conftest import make_rows, write_jsonl
from tests.training.data.test_splits import config, with_data

__all__ = ["config"]


@pytest.mark.parametrize("key", ["train_file", "validation_file", "test_file"])
@pytest.mark.parametrize(
    "source",
    [
        ("empty.csv", "", "no rows at all"),
        ("head.csv", "text,label\n", "no rows at all"),
        ("empty.jsonl", "", "no rows at all"),
        ("blank.csv", "text,label\n,plus\n", "no rows with text, for columns are blank in them: 'text'"),
        ("folder", "", "no rows at all"),
    ],
)
def test_the_key_and_the_file_are_named(
    key: str, source: tuple[str, str, str], config: TrialConfig, tmp_path: Path
) -> None:
    name, text, said = source
    path = tmp_path / name
    if name == "folder":
        path.mkdir()
        (path / "empty.csv").write_text(text)
    else:
        path.write_text(text)
    given: dict[str, Any] = {"train_file": str(write_jsonl(tmp_path / "rows.jsonl", make_rows(60))), key: str(path)}
    with pytest.raises(DataError) as caught:
        read_splits(with_data(config, **given))
    assert f"data.{key} is {path}, which has {said}" in str(caught.value)
    assert str(caught.value).endswith("give a file with at least one row")


def test_rows_of_a_hub_are_named_by_their_split(config: TrialConfig) -> None:
    files = {"train_file": "hub:org/set@train", "test_file": "hub:org/set@last"}
    data = with_data(config, dataset="org/set", train_split="train", test_split="last", **files).data
    assert [one.key for one in sources_of(data)] == ["data.train_split", "data.validation_file", "data.test_split"]
