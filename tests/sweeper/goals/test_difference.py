"""What is said of a search that goes by something else than it was begun with."""

import pytest

from slimtune.sweeper.goals.difference import goals_difference
from slimtune.sweeper.goals.goals import Constraint, Goals, Objective, goals_of

ACCURACY, SIZE = Objective("accuracy", maximize=True), Objective("size_mb", maximize=False)
OWN, UP = Objective("mine", maximize=False), goals_of([True])


@pytest.mark.parametrize(
    ("known", "now", "said"),
    [
        (Goals((ACCURACY, SIZE)), Goals((ACCURACY,)), "search.objectives was [accuracy, size_mb] and is [accuracy]"),
        (UP, Goals((ACCURACY, SIZE)), "search.objectives was null and is [accuracy, size_mb]"),
        (Goals((SIZE, ACCURACY)), UP, "search.objectives was [size_mb, accuracy] and is null"),
        (
            Goals((OWN,)),
            Goals((OWN._replace(maximize=True),)),
            "search.objectives was [{metric: mine, direction: minimize}] and is [{metric: mine, direction: maximize}]",
        ),
        (
            UP,
            goals_of([False]),
            "search.direction was maximize and is minimize (it follows task.metric and task.direction)",
        ),
        (
            UP,
            UP._replace(constraints=(Constraint("size_mb", None, 50.0),)),
            "search.constraints was null and is {size_mb: {max: 50}}",
        ),
        (
            Goals((ACCURACY, SIZE), (Constraint("seconds", 1.0, 2.5),)),
            Goals((ACCURACY,)),
            "search.objectives was [accuracy, size_mb] and is [accuracy]; "
            "search.constraints was {seconds: {min: 1, max: 2.5}} and is null",
        ),
        (UP, UP, None),
    ],
)
def test_the_key_that_differs_is_named_with_both_values(known: Goals, now: Goals, said: str | None) -> None:
    assert goals_difference(known.described(), now.described()) == said
