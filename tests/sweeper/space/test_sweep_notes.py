"""What is told of dimensions that can be searched as they are."""

import pytest
from omegaconf import OmegaConf

from slimtune.sweeper.space.dimension import choice_of
from slimtune.sweeper.space.dimension_told import value_problems
from slimtune.sweeper.space.sweep_notes import comma_notes
from slimtune.sweeper.space.sweep_syntax import SweepArguments

CONFIG = OmegaConf.create({"fit": {"weight_decay": 0.01, "seed": 0}})


@pytest.mark.parametrize(
    ("line", "number"), [("fit.weight_decay=0,1", "fit.weight_decay=0.1"), ("fit.weight_decay=0,05", "=0.05")]
)
def test_a_decimal_comma_is_told_to_be_a_search(line: str, number: str) -> None:
    """It is run as such: 0 and 1 may be meant."""
    given = SweepArguments([], set(), {"fit.weight_decay": choice_of([0, 1])}, set(), said={"fit.weight_decay": line})
    (note,) = comma_notes(given, CONFIG)
    assert note.startswith(f"{line} is a search over two values, 0 and ")
    assert note.endswith(number)


@pytest.mark.parametrize(
    "line", ["fit.seed=0,1", "fit.weight_decay=0,0.1", "fit.weight_decay=1,2", "fit.weight_decay=choice(0,1)"]
)
def test_other_searches_are_not(line: str) -> None:
    key = line.partition("=")[0]
    given = SweepArguments([], set(), {key: choice_of([0, 1])}, set(), said={key: line})
    assert comma_notes(given, CONFIG) == []


def test_a_decimal_comma_that_is_no_search_has_its_repair() -> None:
    written, rule = "fit.learning_rate=0,001", "fit.learning_rate is 0; use a number above 0"
    assert value_problems(written, "fit.learning_rate", choice_of([0, 1]), [rule]) == [
        f"{written}: {rule}; for one number write 0.001"
    ]
