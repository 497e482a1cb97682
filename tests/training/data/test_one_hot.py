"""Ones and zeros that are written as a text are read by the rule for lists of them."""

from typing import Any

import pytest

from slimtune.training.data.label_cells import label_of, labels_of
from slimtune.training.data.one_hot import hot_parts
from slimtune.training.errors import DataError

KNOWN = ["a", "b", "c"]


def of(cell: str, known: list[str] | None = None) -> tuple[str, ...]:
    return labels_of({"label": cell}, "label", "row 1", "label_column", known=known)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("1 0 1", [1, 0, 1]),
        (" 1;0; 1 ", [1, 0, 1]),
        ("1|0|1", [1, 0, 1]),
        ("1\t0", [1, 0]),
        ("1,0,1", ["1", "0", "1"]),
        ("1, 0", ["1", "0"]),
        ("1", None),
        ("101", None),
        ("1 0;1", None),
        ("1 0 2", None),
        ("10 1", None),
        ([1, 0, 1], None),
        (None, None),
    ],
)
def test_one_sign_stands_between_them(text: Any, parts: list[int | str] | None) -> None:
    assert hot_parts(text) == parts


@pytest.mark.parametrize("cell", ["1 0 1", "1;0;1", "1|0|1", "1,0,1", "[1,0,1]", "[1 0 1]"])
def test_with_the_names_of_the_classes_they_are_these(cell: str) -> None:
    assert of(cell, KNOWN) == ("a", "c")


def test_one_class_may_be_written_so() -> None:
    assert label_of({"label": "0 1 0"}, "label", "row 1", "label_column", known=KNOWN) == "b"
    with pytest.raises(DataError, match="where one label belongs"):
        label_of({"label": "0 1 1"}, "label", "row 1", "label_column", known=KNOWN)


@pytest.mark.parametrize("cell", ["1 0 1", "1;0;1", "1|0|1"])
def test_without_names_they_are_asked_for(cell: str) -> None:
    with pytest.raises(DataError, match="nothing names the classes; name all 3 in their order"):
        of(cell)


def test_a_number_of_them_that_is_not_that_of_the_names_is_told() -> None:
    with pytest.raises(DataError, match=r"task\.labels has 3 names; name all 2"):
        of("1 0", KNOWN)


def test_what_may_be_labels_stays() -> None:
    assert of("1, 0") == ("0", "1")
    assert of("1 0") == ("1 0",)
    assert of("1 0 1", ["1 0 1", "0 1 0"]) == ("1 0 1",)
    assert of("1 0", ["0", "1"]) == ("1 0",)


@pytest.mark.parametrize("cell", [[0], [1], ["1"]])
def test_what_may_be_ids_of_classes_is_told_as_that(cell: list[Any]) -> None:
    """As data sets with lists of ids are dumped."""
    with pytest.raises(DataError, match=r"ids of classes, write the names in their place \(0 is a, 1 is b, \.\.\.\)"):
        labels_of({"label": cell}, "label", "row 1", "label_column", known=KNOWN)


@pytest.mark.parametrize("cell", [[0, 1, 0, 1], [1, 0], [True, False]])
def test_what_cannot_be_ids_is_told_as_ones_and_zeros(cell: list[Any]) -> None:
    with pytest.raises(DataError, match="a one or zero for each class"):
        labels_of({"label": cell}, "label", "row 1", "label_column", known=KNOWN)
