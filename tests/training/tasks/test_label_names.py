"""Labels that YAML reads as booleans are named as what they were written."""

import pytest

from slimtune.training.tasks.label_names import numbers_misread, unquoted_labels

BOTH = 'task.labels holds false and true, as YAML reads an unquoted no and yes; write labels: ["yes", "no"]'
TWO = 'task.labels holds true, as YAML reads an unquoted on and yes; write labels: ["on", "yes", "off"]'
ONE = 'task.labels holds false, as YAML reads an unquoted Off; write labels: ["Off", "maybe"]'


@pytest.mark.parametrize(
    ("held", "wanted", "message"),
    [
        (["True", "False"], ["no", "yes"], BOTH),
        (["False", "maybe"], ["Off"], ONE),
        (["True", "True", "off"], ["on", "yes"], TWO),
        (["true", "false"], ["good"], None),
        (["good"], ["yes"], None),
    ],
)
def test_labels_that_yaml_reads_as_booleans_are_told(held: list[str], wanted: list[str], message: str | None) -> None:
    assert unquoted_labels("task.labels", held, wanted) == message


def test_a_number_in_the_place_of_a_label_is_told_with_the_label() -> None:
    told = numbers_misread("task.class_weights", ["1"], ["-1", "+1"])
    assert told is not None
    assert "+1 without quotes is read as that number" in told
    assert numbers_misread("task.class_weights", ["a", "2"], ["b", "+1"]) is None
