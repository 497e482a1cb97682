"""A table as one JSON value: every shape that pandas and others write is named, with what makes rows of it."""

import json
import re
from pathlib import Path
from typing import Any

import pandas
import pytest

from slimtune.training.data.readers.reader import read_rows
from slimtune.training.errors import DataError
from tests.conftest import make_rows

ROWS = make_rows(6)
TABLE = pandas.DataFrame(ROWS)
COLUMNS = {name: [row[name] for row in ROWS] for name in ("text", "label")}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (COLUMNS, "one object with a list for each column"),
        ({"text": COLUMNS["text"]}, "one object with a list for each column"),
        (TABLE.to_json(), "an object for each column, as pandas writes by itself"),
        (TABLE[["text"]].to_json(), "an object for each column, as pandas writes by itself"),
        (TABLE.to_json(orient="index"), "an object for each row, as pandas writes by orient='index'"),
        (TABLE.to_json(orient="split"), "'columns' and 'data', as pandas writes by orient='split'"),
        ({"data": COLUMNS}, "the columns of a table seem to be in 'data'"),
    ],
)
@pytest.mark.parametrize("name", ["r.json", "r.jsonl"])
def test_a_table_is_named_and_what_is_said_makes_rows_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: Any, said: str, name: str
) -> None:
    """The message's own line of Python is run."""
    monkeypatch.chdir(tmp_path)
    Path(name).write_text(value if isinstance(value, str) else json.dumps(value))
    with pytest.raises(DataError, match=re.escape(said)) as raised:
        read_rows(name)
    exec(f"import json, pandas; {str(raised.value).partition('in Python: ')[2]}")
    assert read_rows("rows.jsonl") == [{key: row[key] for key in read_rows("rows.jsonl")[0]} for row in ROWS]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (TABLE.to_json(orient="values"), "rows are lists of cells, and nothing says which column each is; name them"),
        (TABLE.to_json(orient="table"), "the rows seem to be the list in 'data'; save that list alone"),
        (TABLE.set_index(TABLE["text"]).to_json(), "one object of objects, as pandas writes columns by itself, and"),
    ],
)
def test_other_shapes_are_named_too(tmp_path: Path, value: str, said: str) -> None:
    (tmp_path / "r.json").write_text(value)
    with pytest.raises(DataError, match=re.escape(said)):
        read_rows(str(tmp_path / "r.json"))


@pytest.mark.parametrize(
    "row",
    [
        {"words": ["Ann", "left"], "tags": ["B-who", "O"]},
        {"text": "a b", "labels": ["x y", "z"]},
        {"messages": [{"role": "user", "content": "a b"}]},
        {"text": {"title": "a b", "body": "c"}},
        {"translation": {"en": "a", "de": "b"}, "id": 3},
    ],
)
def test_one_object_with_lists_or_objects_of_its_own_is_a_row(tmp_path: Path, row: dict[str, Any]) -> None:
    """As a file of one row for predict: its words, labels, turns or languages."""
    (tmp_path / "r.json").write_text(json.dumps(row))
    assert read_rows(str(tmp_path / "r.json")) == [row]
