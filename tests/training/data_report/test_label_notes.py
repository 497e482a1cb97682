"""Labels that are all numbers are told to be names."""

import pytest

from slimtune.training.data_report.label_notes import order_notes


@pytest.mark.parametrize(
    ("labels", "is_told"),
    [
        (("1", "2", "3"), True),
        (("-1", "0", "1"), True),
        (("1.5", "2", "10"), True),
        (("0", "1"), False),
        (("1", "2", "none"), False),
        (("1 star", "2 stars", "3 stars"), False),
        ((), False),
    ],
)
def test_more_than_two_numbers_are_told_as_names_without_an_order(labels: tuple[str, ...], is_told: bool) -> None:
    notes = order_notes(labels, "priority")
    assert bool(notes) is is_told
    for note in notes:
        for words in ("data.label_column=priority", "names without an order", "task=custom", "task.labels"):
            assert words in note
