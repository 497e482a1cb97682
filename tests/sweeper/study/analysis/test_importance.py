"""Importance of parameters, and how sure it is."""

import math
import random
from typing import Any

import optuna
import pytest

from slimtune.sweeper.goals.goals import Goals, Objective
from slimtune.sweeper.space.dimension import Choice, Dimension, FloatRange, IntRange
from slimtune.sweeper.study.analysis.dimensions import dimensions_of
from slimtune.sweeper.study.analysis.importance import MIN_TRIALS, importances
from slimtune.sweeper.study.record import TrialRecord, TrialState
from tests.sweeper.report_page.sweeps import a_trial

SPACE: dict[str, Dimension] = {"decides": FloatRange(0.0, 1.0), "nothing": FloatRange(0.0, 1.0)}


def trials(number: int, **changes: Any) -> list[TrialRecord]:
    """Their score is one of their parameters."""
    draw = random.Random(0)
    points = [{"decides": draw.random(), "nothing": draw.random()} for _ in range(number)]
    return [a_trial(at, params=one, values=(one["decides"],), **changes) for at, one in enumerate(points)]


def test_what_decides_comes_first_and_its_interval_is_narrow() -> None:
    """Shares add up to 1, each within its interval."""
    first, second = importances(trials(60), SPACE, Goals())
    assert (first.key, second.key) == ("decides", "nothing")
    assert first.share + second.share == pytest.approx(1.0)
    assert all(one.low <= one.share <= one.high for one in (first, second))
    assert first.low > second.high


def test_fewer_trials_say_less() -> None:
    """The interval of few trials is wider than that of many."""
    few, many = (importances(trials(number), SPACE, Goals())[0] for number in (10, 100))
    assert few.high - few.low > many.high - many.low


def test_the_same_trials_give_the_same_numbers() -> None:
    assert importances(trials(20), SPACE, Goals()) == importances(trials(20), SPACE, Goals())


def test_too_few_trials_or_equal_ones_give_nothing() -> None:
    assert importances(trials(MIN_TRIALS - 1), SPACE, Goals()) == []
    assert importances([one._replace(values=(0.5,)) for one in trials(20)], SPACE, Goals()) == []


def test_pruned_trials_count_with_their_last_score() -> None:
    """Few trials are complete where many are pruned."""
    pruned = [one._replace(state=TrialState.pruned, objective=one.values[0], values=()) for one in trials(60)]
    assert importances(pruned, SPACE, Goals())[0].key == "decides"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_pruned_trial_may_have_no_finite_score(value: float) -> None:
    known = trials(60)
    known[3] = known[3]._replace(state=TrialState.pruned, objective=value, values=())
    assert importances(known, SPACE, Goals())[0].key == "decides"


def test_several_objectives_go_by_the_front() -> None:
    goals = Goals((Objective("a", maximize=True), Objective("b", maximize=False)))
    both = [one._replace(values=(one.values[0], -one.values[0])) for one in trials(60)]
    assert importances(both, SPACE, goals)[0].key == "decides"


def test_a_parameter_of_some_trials_alone_has_a_share() -> None:
    """Such as one of an option that only some have."""
    some = [
        one if at % 2 else one._replace(params={"decides": one.params["decides"]}) for at, one in enumerate(trials(60))
    ]
    assert {one.key for one in importances(some, SPACE, Goals())} == {"decides", "nothing"}


def test_dimensions_are_as_wide_as_all_trials() -> None:
    """Where a range was changed on the way."""
    made = [
        optuna.trial.create_trial(params=params, distributions=distributions, value=0.0)
        for params, distributions in (
            (
                {"x": 0.1, "n": 3, "c": "a"},
                {
                    "x": optuna.distributions.FloatDistribution(0.1, 1.0, log=True),
                    "n": optuna.distributions.IntDistribution(1, 4),
                    "c": optuna.distributions.CategoricalDistribution(["a", "b"]),
                },
            ),
            (
                {"x": 2.0, "n": 9, "c": "c"},
                {
                    "x": optuna.distributions.FloatDistribution(0.5, 2.0, log=True),
                    "n": optuna.distributions.IntDistribution(2, 9),
                    "c": optuna.distributions.CategoricalDistribution(["a", "c"]),
                },
            ),
        )
    ]
    assert dimensions_of(made) == {
        "x": FloatRange(0.1, 2.0, log=True),
        "n": IntRange(1, 9),
        "c": Choice(("a", "b", "c")),
    }
