from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from slimtune.training.config.fit import FitConfig
from slimtune.training.config.trial import parse_trial
from slimtune.training.engine.cadence import Cadence, EvaluationCadence, plan_of


@pytest.fixture
def fit(config_of: Callable[..., dict[str, Any]]) -> FitConfig:
    config: FitConfig = parse_trial(config_of()).section.fit
    return config


def test_trials_of_different_batch_size_report_at_the_same_points() -> None:
    """An evaluation belongs to the milestone passed, so rungs compare."""
    points = []
    for batch_size in (8, 32, 50):
        cadence, seen = Cadence(100), 0
        points.append(set())
        while seen < 400:
            seen += batch_size
            milestone = cadence.reached(seen)
            if milestone is not None:
                points[-1].add(milestone)
    assert points == [{100, 200, 300, 400}] * 3


def test_a_milestone_is_reached_once() -> None:
    cadence = Cadence(10)
    assert [cadence.reached(seen) for seen in (9, 10, 11, 35, 39, 40)] == [None, 10, None, 30, None, 40]


def test_the_plan_counts_rows_exactly(fit: FitConfig) -> None:
    """The last batch of an epoch may be smaller; a fraction of an epoch and a limit of steps both end a trial."""
    assert plan_of(replace(fit, batch_size=8, epochs=2), 84) == (22, 168, 84)
    assert plan_of(replace(fit, batch_size=8, epochs=0.5), 84) == (6, 48, 84)
    assert plan_of(replace(fit, batch_size=8, epochs=2, max_steps=3, eval_every=16), 84) == (3, 24, 16)
    assert plan_of(replace(fit, batch_size=8, epochs=2, eval_every=0.25), 84) == (22, 168, 21)


def test_evaluations_in_steps_come_at_these_steps(fit: FitConfig) -> None:
    """Also behind the end of an epoch, whose last batch is smaller."""
    stepwise = replace(fit, batch_size=8, epochs=2, eval_steps=5)
    plan = plan_of(stepwise, 84)
    assert plan == (22, 168, 40)
    cadence = EvaluationCadence(stepwise, plan, 84)
    due = {step: cadence.due(examples_seen=0, num_steps=step) for step in range(1, 23)}
    assert {step: count for step, count in due.items() if count is not None} == {5: 40, 10: 80, 15: 116, 20: 156}
    assert stepwise.examples_after(11, 84) == 84


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("fit.eval_steps=50", "fit.eval_every=100"), "fit.eval_steps is 50 and fit.eval_every is 100; use one"),
        (("fit.save_steps=100",), "use fit.eval_steps=100"),
        (("fit.save_steps=100", "fit.eval_steps=40"), "fit.save_steps is 100 and fit.eval_steps is 40"),
        (("fit.eval_steps=0",), "fit.eval_steps is 0"),
    ],
)
def test_steps_that_do_not_go_together_are_told(
    config_of: Callable[..., dict[str, Any]], given: tuple[str, ...], told: str
) -> None:
    (problem,) = parse_trial(config_of(*given)).problems
    assert told in problem
