"""Names in braces with quotes: the line that is told means the same, or a file is told."""

import shlex

import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser

from slimtune.sweeper.hydra_app.syntax_problems import syntax_problems


@pytest.mark.parametrize(
    "value",
    [
        '{"a": 2.0, "How-to": 1.0}',
        '{"a b": "x: y", c: 1}',
        "{'a,b': 1, \"c:d\": [1, 2]}",
        '{" a": 1, "b ": 2}',
        '{a: {"b/c": "null"}}',
        '[{"a": 1}, {"+b": "{c: 1}"}]',
    ],
)
def test_the_line_that_is_told_means_the_same(value: str) -> None:
    (told,) = syntax_problems([f"task.class_weights={value}"])
    rule, _, line = told.partition("; write ")
    assert rule.endswith("Hydra takes no quotes around the names in braces")
    (word,) = shlex.split(line)
    assert OverridesParser.create().parse_override(word).value() == yaml.safe_load(value)


@pytest.mark.parametrize("name", ["+1", "true", "1.50", "1_0", "é", "🎉", ""])
def test_a_name_that_hydra_reads_as_another_is_for_a_file(name: str) -> None:
    (told,) = syntax_problems([f'task.class_weights={{"a": 1, "{name}": 2.0}}'])
    assert f"and {name!r} is no text to it without them; set task.class_weights in a file" in told
    assert told.endswith("; set task.class_weights in a file of your own, and give --config mine.yaml")


def test_quotes_that_do_not_close_are_told_as_such() -> None:
    (told,) = syntax_problems(['task.class_weights={a: "x}'])
    assert "quotes that do not close" in told


def test_a_choice_of_mappings_is_told_too() -> None:
    (told,) = syntax_problems(['x={"a": 1},{"b": 2}'])
    assert told.endswith('write "x={a: 1},{b: 2}"')
