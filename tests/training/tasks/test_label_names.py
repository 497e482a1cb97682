"""Labels that YAML reads as booleans are named as what they were written."""

import pytest

from slimtune.training.tasks.label_names import unquoted_labels

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
