"""A study with several objectives and constraints: samplers, order, stop rules, resume."""

import math
from dataclasses import replace
from typing import Any

import optuna
import pytest

from slimtune.sweeper.goals.goals import Constraint, Goals, Objective, Pick
from slimtune.sweeper.pruner_config import MedianStopping
from slimtune.sweeper.search.beginning import note_goals
from slimtune.sweeper.search_config import StopRules
from slimtune.sweeper.space.dimension import FloatRange, Space
from slimtune.sweeper.study import AskedTrial, Lease, Study
from slimtune.sweeper.study import earlier as earlier_trials
from slimtune.sweeper.study.record import TrialState
from slimtune.training.errors import StoreError
from slimtune.training.trial import FailureKind
from tests.sweeper.study.test_samplers import run, sampler_of, study_of

MEDIAN = MedianStopping(name="median", n_startup_trials=1, n_warmup_examples=0)
SPACE: Space = {"x": FloatRange(0.0, 1.0), "y": FloatRange(0.0, 1.0)}
SEVERAL = (Objective("near", True), Objective("size", False))
BOUND = Constraint("size", None, 0.5)


def study_with(name: str = "random", objectives: tuple[Objective, ...] = SEVERAL, **more: Any) -> Study:
    goals = Goals(objectives, more.pop("constraints", ()), more.pop("pick", Pick()))
    return study_of(sampler_of(name), SPACE, goals=goals, **more)


def end(study: Study, asked: AskedTrial) -> None:
    """Large x is near, and its size is x; a corner of the space fails."""
    x, y = (float(asked.params[key] or 0.0) for key in "xy")
    values = {"near": x - (y - 0.5) ** 2, "size": x}
    if y > 0.95:
        study.fail(asked.number, FailureKind.diverged)
        return
    names = [one.name for one in study.spec.goals.objectives]
    study.complete(asked.number, *(values[name] for name in names), excess=study.spec.goals.excess(values))


@pytest.mark.parametrize("name", ["random", "qmc", "tpe", "gp", "nsga2", "nsga3"])
def test_every_sampler_goes_on_with_objectives_constraints_and_failures(name: str) -> None:
    """A resumed search is an unbroken one."""
    budgets = (5, 6) if name == "gp" else (5, 9, 12)
    unbroken = run(study_with(name, constraints=(BOUND,), n_trials=budgets[-1]), end)
    broken, storage = [], optuna.storages.InMemoryStorage()
    for n_trials in budgets:
        broken += run(study_with(name, constraints=(BOUND,), n_trials=n_trials, storage=storage), end)
    assert broken == unbroken


@pytest.mark.parametrize("name", ["tpe", "gp", "cmaes", "nsga2"])
def test_regions_that_break_a_constraint_are_left(name: str) -> None:
    """Where the objective is best lies nothing that may be taken: later trials are seldom there."""
    study = study_with(name, SEVERAL[:1], constraints=(BOUND,), n_trials=10 if name == "gp" else 48)
    points = run(study, end)
    later = points[len(points) // 2 :]
    assert sum(point["x"] > 0.7 for point in later) <= 0.2 * len(later)
    assert study.ranked()
    assert all(trial.params["x"] <= 0.5 for trial in study.ranked()), "what breaks a constraint never wins"


def told(study: Study, *values: tuple[float, float], excess: float = -1.0) -> None:
    """Trials with these objectives."""
    with Lease(study) as lease:
        for pair in values:
            asked = study.ask(lease.worker)
            assert asked is not None
            study.complete(asked.number, *pair, excess={"size": excess})


def test_the_front_comes_first_in_the_order_of_the_rule() -> None:
    pick = Pick("within", "size", {"near": 0.05})
    study = study_with(pick=pick)
    told(study, (0.9, 90.0), (0.88, 40.0), (0.5, 10.0), (0.85, 60.0))
    told(study, (1.0, 1.0), excess=0.2)
    assert [trial.number for trial in study.ranked()] == [1, 0, 2, 3]
    assert [trial.number for trial in study.pareto()] == [0, 1, 2]
    assert [trial.standing for trial in study.shown()][-1] == "infeasible"


def test_a_constraint_that_is_no_number_is_a_failure() -> None:
    study = study_with()
    told(study, (0.5, 1.0), excess=math.nan)
    assert [(trial.state, trial.kind) for trial in study.shown()] == [(TrialState.failed, "diverged")]


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (StopRules(target={"near": 0.8, "size": 50.0}), None),
        (
            StopRules(target={"near": 0.8, "size": 95.0}),
            "trial 0 has near 0.9 and size 90, and search.target is near 0.8",
        ),
        (StopRules(target={"size": 12.0}), "trial 2 has size 10"),
        (
            StopRules(max_trials_without_better=3),
            "3 trials have ended since the last one that came into the Pareto set",
        ),
        (StopRules(max_trials_without_better=4), None),
    ],
)
def test_stop_rules_go_by_all_objectives(rules: StopRules, said: str | None) -> None:
    """One trial must have reached every target; an equal or a beaten one does not change the Pareto set, and what
    breaks a constraint neither.
    """
    study = study_with(stop_rules=StopRules(), n_trials=20)
    told(study, (0.9, 90.0), (0.1, 70.0), (0.5, 10.0), (0.5, 10.0), (0.4, 95.0))
    told(study, (1.0, 1.0), excess=0.2)
    reason = Study(replace(study.spec, stop_rules=rules)).stop_reason()
    assert (reason or "").startswith(said) if said else reason is None


def test_a_study_is_not_continued_with_other_goals() -> None:
    study = study_with()
    note_goals(study)
    note_goals(study)
    other = replace(study.spec, goals=Goals(SEVERAL, (BOUND,)))
    with pytest.raises(StoreError, match="begun with other goals"):
        note_goals(Study(other))


def test_a_search_without_constraints_does_not_get_them_later() -> None:
    """Its trials were not asked whether they keep them."""
    study = study_of(sampler_of("random"), SPACE)
    note_goals(study)
    told_one = replace(study.spec, goals=Goals((Objective("objective", True),), (BOUND,)))
    note_goals(study)
    run(study, lambda study, asked: study.complete(asked.number, 0.5))
    note_goals(study)
    with pytest.raises(StoreError, match="begun with other goals"):
        note_goals(Study(told_one))


def test_what_another_search_knows_of_constraints_is_learned() -> None:
    study = study_with(constraints=(BOUND,))
    told(study, (0.9, 0.9), excess=0.8)
    told(study, (0.4, 0.4), excess=-0.2)
    bad, good = earlier_trials.frozen_of(earlier_trials.plain_of(study.trials()), study.spec.space)
    assert (bad.values, bad.constraints) == ([0.9, 0.9], {"size": 0.8})
    assert (good.values, good.constraints) == ([0.4, 0.4], {})


def test_pruners_do_not_compare_with_what_breaks_a_constraint() -> None:
    """A large model is better early on, and is out: it must not stop small ones."""

    def stops(excess: float) -> bool:
        study = study_with(objectives=SEVERAL[:1], constraints=(BOUND,), pruner=MEDIAN)
        with Lease(study) as lease:
            first, second = study.ask(lease.worker), study.ask(lease.worker)
            assert first is not None
            assert second is not None
            study.report(first.number, 10, objective=0.9, progress=0.5)
            study.complete(first.number, 0.9, excess={"size": excess})
            return study.report(second.number, 10, objective=0.5, progress=0.5).stop

    assert stops(-0.1)
    assert not stops(0.1)
