"""What every sampler keeps wherever it can: workers that ask at once, options, branches, several objectives."""

import threading
from collections.abc import Callable
from typing import Any

import optuna
import pytest

from slimtune.sweeper.goals.goals import Goals, Objective
from slimtune.sweeper.space.dimension import Choice, FloatRange, IntRange, Scalar, Space
from slimtune.sweeper.space.search_space import Branch, SearchSpace, point_id
from slimtune.sweeper.study import AskedTrial, Lease, Study
from slimtune.training.trial import FailureKind
from tests.sweeper.study.test_samplers import DRAWN, LEARNING, SPACE, run, sampler_of, study_of

SQUARE: Space = {"x": FloatRange(0.0, 1.0), "y": FloatRange(0.0, 1.0)}
ENDLESS: Space = {"x": FloatRange(0.0, 1.0), "c": Choice(("a", "b"))}
CONDITIONAL = SearchSpace(
    {"m": Choice(("lora", "full")), "lr": FloatRange(1e-5, 1e-2, log=True)},
    (
        Branch(choices={"m": "lora"}, space={"r": IntRange(4, 32)}, fixed=()),
        Branch(choices={"m": "full"}, space={"freeze": IntRange(0, 6)}, fixed=()),
    ),
)
SEVERAL = Goals((Objective("left", False), Objective("right", True)))
# CMA-ES makes one thing best
OF_SEVERAL = [name for name in DRAWN if name != "cmaes"]
# those that a trial uses up a place with
KINDS = [kind for kind in FailureKind if kind not in (FailureKind.diverged, FailureKind.lost, FailureKind.stopped)]
# fewer of the one that takes its time, which learns from its fifth trial on
BUDGETS = ((3, 6, 8), (2, 5))
OTHER_OPTIONS = [
    ("tpe", {"group": True}),
    ("tpe", {"multivariate": False}),
    ("qmc", {"sequence": "halton"}),
    ("qmc", {"scramble": True}),
    ("grid", {"points": 3}),
    ("cmaes", {"population_size": 2}),
    ("cmaes", {"population_size": 3}),
    ("nsga2", {"mutation_probability": 0.9}),
    ("nsga3", {"crossover_probability": 0.2}),
]

Make = Callable[..., Study]


def value(params: dict[str, Scalar] | Any) -> float:
    """Of any point; all of its parameters count."""
    return sum(float(one) if isinstance(one, int | float) else len(str(one)) for one in params.values())


def end_with_value(study: Study, asked: AskedTrial) -> None:
    study.complete(asked.number, *(value(asked.params) for _ in study.spec.goals.objectives))


def unbroken_and_broken(make: Make, budgets: tuple[int, ...]) -> tuple[list[Any], list[Any]]:
    """The points of a search, and those of one that was begun again for each budget."""
    unbroken, storage = run(make(n_trials=budgets[-1]), end_with_value), optuna.storages.InMemoryStorage()
    broken = [point for n_trials in budgets for point in run(make(n_trials=n_trials, storage=storage), end_with_value)]
    return unbroken, broken


@pytest.mark.parametrize(("name", "options"), OTHER_OPTIONS)
def test_one_seed_is_one_sequence_with_other_options(name: str, options: dict[str, Any]) -> None:
    sampler = sampler_of(name, **options)
    unbroken, broken = unbroken_and_broken(lambda **more: study_of(sampler, SPACE, **more), (3, 6, 8))
    assert broken == unbroken
    # a plain sequence is the same for all seeds
    if name != "qmc" or sampler.scramble:  # type: ignore[union-attr]
        assert run(study_of(sampler, SPACE, seed=1, n_trials=3)) != unbroken[:3]


@pytest.mark.parametrize("name", DRAWN)
def test_one_seed_is_one_sequence_in_a_conditional_space(name: str) -> None:
    unbroken, broken = unbroken_and_broken(
        lambda **more: study_of(sampler_of(name), CONDITIONAL, **more), BUDGETS[name == "gp"]
    )
    assert broken == unbroken


@pytest.mark.parametrize("name", OF_SEVERAL)
def test_one_seed_is_one_sequence_with_several_objectives(name: str) -> None:
    unbroken, broken = unbroken_and_broken(
        lambda **more: study_of(sampler_of(name), SQUARE, goals=SEVERAL, **more), BUDGETS[name == "gp"]
    )
    assert broken == unbroken


@pytest.mark.parametrize("name", DRAWN)
def test_two_workers_that_ask_at_once_get_two_points(name: str) -> None:
    """However long one of them takes its values, the other one waits to see them: there are three points, and most
    samplers would draw the same one twice.
    """
    storage, is_waited_for = optuna.storages.InMemoryStorage(), threading.Event()
    slow, quick = (
        study_of(sampler_of(name), {"n": IntRange(1, 3)}, n_trials=3, storage=storage, seed=2) for _ in range(2)
    )
    suggest, is_settled = slow._suggested, quick._is_settled

    def suggest_late(trial: optuna.Trial) -> Any:
        is_waited_for.wait(5)
        return suggest(trial)

    def look(trials: Any) -> bool:
        is_waited_for.set()
        return is_settled(trials)

    slow._suggested, quick._is_settled = suggest_late, look  # type: ignore[method-assign]
    asked: list[AskedTrial | None] = []
    with Lease(slow) as one, Lease(quick) as two:
        first = threading.Thread(target=lambda: asked.append(slow.ask(one.worker)))
        first.start()
        while not storage.get_all_trials(0):
            is_waited_for.wait(0.001)
        asked.append(quick.ask(two.worker))
        first.join()
    assert len({point_id(trial.params) for trial in asked if trial is not None}) == 2


@pytest.mark.parametrize("name", DRAWN)
def test_eight_workers_under_way_have_eight_points(name: str) -> None:
    """In an endless space, where none of them has ended: there is nothing yet to learn from."""
    storage = optuna.storages.InMemoryStorage()
    studies = [study_of(sampler_of(name), ENDLESS, storage=storage) for _ in range(8)]
    leases = [Lease(study) for study in studies]
    for lease in leases:
        lease.__enter__()
    asked = [study.ask(lease.worker) for study, lease in zip(studies, leases, strict=True)]
    for lease in leases:
        lease.__exit__(None, None, None)
    assert len({point_id(trial.params) for trial in asked if trial is not None}) == 8


@pytest.mark.parametrize("name", LEARNING)
def test_a_trial_that_failed_in_any_way_counts_as_one_that_diverged(name: str) -> None:
    """The points after them are the same."""

    def points(kind: FailureKind) -> list[dict[str, Any]]:
        def end(study: Study, asked: AskedTrial) -> None:
            if asked.number in (1, 3):
                study.fail(asked.number, kind)
            else:
                study.complete(asked.number, value(asked.params))

        return run(study_of(sampler_of(name), SQUARE, n_trials=5 if name == "gp" else 6), end)

    diverged = points(FailureKind.diverged)
    # one kind shows it where a suggestion takes its time
    assert all(points(kind) == diverged for kind in (KINDS[:1] if name == "gp" else KINDS))


@pytest.mark.parametrize("name", ["tpe", "gp", "nsga2", "nsga3"])
def test_failed_regions_are_left_with_several_objectives(name: str) -> None:
    """Where both objectives would be best, trials fail; few of the later ones lie there."""

    def end(study: Study, asked: AskedTrial) -> None:
        x, y = (float(asked.params[key] or 0.0) for key in "xy")
        if x > 0.5:
            study.fail(asked.number, FailureKind.out_of_memory)
        else:
            study.complete(asked.number, y, 1.0 - y)

    n_trials = 8 if name == "gp" else 60
    points = run(study_of(sampler_of(name), SQUARE, n_trials=n_trials, goals=SEVERAL), end)
    later = points[len(points) // 2 :]
    assert sum(point["x"] > 0.5 for point in later) <= 0.3 * len(later)
