"""Rows with faults are gathered: one sentence for each kind, with the first row in full and how many more there are."""

import pickle
from collections.abc import Iterator
from typing import Any

import pytest

from slimtune.training.data.examples import Example, texts_of
from slimtune.training.data.readers.row import no_column
from slimtune.training.data.readers.row_faults import MOST_FAULTS, RowFaults
from slimtune.training.errors import DataError, DataProblems, NoColumn

Row = dict[str, Any]


def parse(row: Row, where: str) -> Example:
    for column in ("text", "label"):
        if column not in row:
            raise no_column(column, row, key=f"{column}_column", where=where)
    if not row["label"]:
        raise DataError(f"{where}: column 'label' is empty; fill it or remove the row")
    if row["label"] == "?":
        raise DataError(f"{where}: span {row['text']} to 9 (X) is empty; mend it")
    return Example(row["text"], row["label"])


def told(rows: list[Row]) -> tuple[str, ...]:
    faults = RowFaults()
    sound = [
        one for number, row in enumerate(rows, 1) for one in faults.parsed("a.csv", row, f"a.csv, row {number}", parse)
    ]
    assert len(sound) == sum(bool(row.get("text") and row.get("label", "?") not in ("", "?")) for row in rows)
    with pytest.raises(DataError) as raised:
        faults.check()
    return getattr(raised.value, "problems", (str(raised.value),))


def test_a_kind_is_told_once_with_the_rows_that_have_it() -> None:
    bad = [{"text": str(number), "label": "?"} for number in range(6)]
    assert told([{"text": "x", "label": "y"}, *bad]) == (
        "a.csv, row 2: span 0 to 9 (X) is empty; mend it (5 more rows: row 3, row 4, row 5, ...)",
    )
    assert told([bad[0], {"text": "x", "label": ""}, bad[1]]) == (
        "a.csv, row 1: span 0 to 9 (X) is empty; mend it (1 more row: row 3)",
        "a.csv, row 2: column 'label' is empty; fill it or remove the row",
    )


def test_rows_of_other_files_are_told_with_their_file() -> None:
    faults, names = RowFaults(), "['a.csv', 'b.csv']"
    for where in ("a.csv, row 2", "a.csv, row 5", "b.csv, row 1"):
        faults.add(names, where, DataError(f"{where}: column 'label' is empty; fill it or remove the row"))
    with pytest.raises(DataError, match=r"^a\.csv, row 2: .* \(2 more rows: row 5, row 1 of b\.csv\)$"):
        faults.check()


def test_every_column_that_a_row_lacks_is_told() -> None:
    found = told([{"txt": "x", "lbl": "y"}])
    assert [problem.partition(";")[0] for problem in found] == [
        "a.csv, row 1: no column 'text' (data.text_column)",
        "a.csv, row 1: no column 'label' (data.label_column)",
    ]
    assert all("the row has txt, lbl" in problem for problem in found), "what stands in is no column of the row"


def test_a_source_is_read_as_far_as_it_goes() -> None:
    def broken() -> Iterator[Row]:
        yield {"text": "x", "label": ""}
        raise DataError("a.csv, line 3: not JSON")

    faults = RowFaults()
    for row in faults.readable("a.csv", broken()):
        assert list(faults.parsed("a.csv", row, "a.csv, row 1", parse)) == []
    with pytest.raises(DataProblems, match=r"2 problems in the data:\n.* is empty.*\n.*line 3: not JSON"):
        faults.check()


def test_a_source_with_too_many_faults_is_left() -> None:
    faults = RowFaults()
    for number, row in enumerate(faults.readable("a.csv", ({} for _ in range(10 * MOST_FAULTS)))):
        list(faults.parsed("a.csv", row, f"a.csv, row {number}", parse))
    assert faults.num_of("a.csv") == MOST_FAULTS
    with pytest.raises(DataProblems, match=r"no column 'text'.* \(at least 499 more rows: row 1, row 2"):
        faults.check()


def test_a_cell_in_quotes_is_particular_and_a_columns_name_is_not() -> None:
    faults = RowFaults()
    for number, text in enumerate(("column 'a' is 'x'", "column 'a' is 'y'", "column 'b' is 'x'")):
        faults.add("f", f"f, row {number}", DataError(f"f, row {number}: {text}; use a number"))
    with pytest.raises(DataProblems) as raised:
        faults.check()
    assert len(raised.value.problems) == 2


def test_errors_cross_processes() -> None:
    for error in (NoColumn("no column", "a"), DataProblems(["a", "b"])):
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


def test_texts_of_a_row_without_both_columns(config_of: Any) -> None:
    """With the project's own reading."""
    from slimtune.training.config.trial import parse_trial

    data = parse_trial(config_of("data.text_column=q", "data.text_pair_column=d")).section.data
    faults = RowFaults()
    list(faults.parsed("f", {"text": "x"}, "f, row 1", lambda row, where: texts_of(row, where, data)))
    with pytest.raises(DataProblems, match=r"no column 'q'(.|\n)*no column 'd'"):
        faults.check()
