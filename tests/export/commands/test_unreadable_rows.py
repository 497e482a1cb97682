from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from slimtune.export.bundle.bundle import UNKNOWN_COLUMNS
from slimtune.export.commands.predict import _columns
from slimtune.export.runtime.given_rows import GivenFile, LocatedRow, TextColumns, TextReader
from slimtune.training.data.absent.absent_columns import AbsentColumns
from slimtune.training.errors import DataError
from tests.conftest import write_jsonl


class Pairs:
    """What a model of pairs reads of rows."""

    names = ("prediction",)

    def __init__(self) -> None:
        self._reader = TextReader(TextColumns("text", "other"), UNKNOWN_COLUMNS)

    def reads(self, asked: LocatedRow) -> bool:
        """As the protocol says."""
        return bool(self._reader.text(asked) and self._reader.pair(asked))

    def moved(self, _: LocatedRow) -> None:
        return None

    def remarks(self, _: LocatedRow) -> Sequence[str]:
        """As the protocol says."""
        return ()

    def answers(self, asked: Sequence[LocatedRow]) -> list[dict[str, Any]]:
        """Nobody asks."""
        raise NotImplementedError

    def row_of(self, text: str, pair: str | None) -> dict[str, Any]:
        """Nobody asks."""
        raise NotImplementedError


def names_of(path: Path) -> None:
    """Look at the rows of a file as `predict` does."""
    rows = GivenFile(str(path))
    _columns(rows, Pairs(), AbsentColumns(lambda: rows))


def test_all_kinds_of_unreadable_rows_are_told_together(tmp_path: Path) -> None:
    lists = {"text": "a", "other": ["b"]}
    rows = [{"txt": "a"}, {"txt": "b"}, lists, lists]
    path = write_jsonl(tmp_path / "rows.jsonl", rows)
    with pytest.raises(DataError) as error:
        names_of(path)
    told = str(error.value)
    assert told.startswith("3 problems in the data:")
    assert "row 1: no column 'text' (--text-column)" in told
    assert "row 1: no column 'other' (--text-pair-column)" in told
    assert "row 3: column 'other'" in told
    assert "(1 more row: row 2)" in told
    assert "(1 more row: row 4)" in told


def test_a_column_that_some_rows_lack_is_null(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", [{"text": "a", "other": "b"}, {"text": "a"}])
    names_of(path)
    assert "rows that lack a column which others have, read as null there: other 1" in capsys.readouterr().err
