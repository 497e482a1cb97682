"""One contract for every sampler: one seed, one sequence; no point twice; failed trials are learned from."""

import hashlib
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import mean
from typing import Any

import optuna
import pytest
import yaml

from slimtune.sweeper.sampler_config import SAMPLERS, DrawnSampler, GridSearch
from slimtune.sweeper.space.dimension import Choice, FloatRange, IntRange, Space
from slimtune.sweeper.space.gridded import gridded
from slimtune.sweeper.space.search_space import Branch, SearchSpace, point_id
from slimtune.sweeper.study import AskedTrial, Lease, Study, ask_cost
from slimtune.training.config.schema import parse_choice
from slimtune.training.trial import FailureKind
from tests.sweeper.study.specs import spec_of

SAMPLER_FILES = Path(__file__).parents[3] / "conf/search/sampler"
SPACE: Space = {"lr": FloatRange(1e-5, 1e-2, log=True), "n": IntRange(1, 8), "c": Choice(("a", "b"))}
DRAWN = sorted(set(SAMPLERS) - {"auto"})
LEARNING = ["tpe", "gp", "cmaes", "nsga2", "nsga3"]
SMALL = {"population_size": 4, "n_startup_trials": 4}


def sampler_of(name: str, **changes: Any) -> DrawnSampler:
    """As its file has it, with fewer trials before it begins to learn."""
    values = yaml.safe_load((SAMPLER_FILES / f"{name}.yaml").read_text(encoding="utf-8"))
    values |= {key: value for key, value in SMALL.items() if key in values} | changes
    sampler: DrawnSampler = parse_choice(values, SAMPLERS, "search.sampler").section
    return sampler


def study_of(sampler: DrawnSampler, space: SearchSpace | Space, *, n_trials: int = 8, **more: Any) -> Study:
    """A study in memory."""
    space = space if isinstance(space, SearchSpace) else SearchSpace(space)
    more = {"storage": optuna.storages.InMemoryStorage(), **more}
    searched = gridded(space, sampler.points) if isinstance(sampler, GridSearch) else space
    return Study(spec_of(n_trials=n_trials, sampler=sampler, space=searched, **more))


def num_trials(name: str, wanted: int) -> int:
    """Fewer of a sampler that takes its time."""
    return wanted // 3 if name == "gp" else wanted


def quality(params: Mapping[str, Any]) -> float:
    """Best at a learning rate of 3e-4 and 6."""
    return -((math.log10(params["lr"]) + 3.5) ** 2) - 0.02 * (params["n"] - 6) ** 2


def run(study: Study, end: Callable[[Study, AskedTrial], None] | None = None) -> list[dict[str, Any]]:
    """A worker's loop."""
    points = []
    with Lease(study) as lease:
        while (asked := study.ask(lease.worker)) is not None:
            points.append(dict(asked.params))
            if end is None:
                study.complete(asked.number, quality(asked.params))
            else:
                end(study, asked)
    return points


@pytest.mark.parametrize("name", DRAWN)
def test_one_seed_is_one_sequence(name: str) -> None:
    """Also where the study is opened anew after each trial, as after a crash; another seed is another sequence."""
    unbroken = run(study_of(sampler_of(name), SPACE))
    broken, storage = [], optuna.storages.InMemoryStorage()
    for n_trials in range(1, 9):
        broken += run(study_of(sampler_of(name), SPACE, n_trials=n_trials, storage=storage))
    assert broken == unbroken
    assert run(study_of(sampler_of(name), SPACE, seed=1, n_trials=3)) != unbroken[:3]


@pytest.mark.parametrize("name", DRAWN)
def test_workers_suggest_no_point_twice(name: str) -> None:
    """Two of them, that ask in turn and are slow to end, over a space that is used up."""
    storage = optuna.storages.InMemoryStorage()
    space: Space = {"n": IntRange(1, 6), "c": Choice(("a", "b"))}
    workers = [study_of(sampler_of(name), space, n_trials=12, storage=storage) for _ in range(2)]
    points, running = [], []
    with Lease(workers[0]) as one, Lease(workers[1]) as two:
        while True:
            asked = [study.ask(lease.worker) for study, lease in zip(workers, (one, two), strict=True)]
            points += [point_id(trial.params) for trial in asked if trial is not None]
            for study, trial in running:
                study.complete(trial.number, trial.params["n"])
            running = [(study, trial) for study, trial in zip(workers, asked, strict=True) if trial is not None]
            if not running:
                break
    assert len(points) == 12
    assert len(set(points)) == 12


@pytest.mark.parametrize("name", ["tpe", "gp", "cmaes", "nsga2"])
def test_the_corner_of_an_endless_space_is_suggested_once(name: str) -> None:
    """Where more is always better, what stops at the edge would stop there again."""
    space: Space = {"x": FloatRange(0.0, 1.0), "y": FloatRange(0.0, 1.0)}
    study = study_of(sampler_of(name), space, n_trials=12)
    points = run(study, lambda study, asked: study.complete(asked.number, asked.params["x"] + asked.params["y"]))  # type: ignore[operator]
    assert len({point_id(point) for point in points}) == 12


@pytest.mark.parametrize("name", DRAWN)
def test_a_conditional_space_is_searched(name: str) -> None:
    """Each trial has what its option has, and nothing else."""
    branches = (
        Branch(choices={"m": "lora"}, space={"r": IntRange(4, 32)}, fixed=()),
        Branch(choices={"m": "full"}, space={"freeze": IntRange(0, 6)}, fixed=()),
    )
    space = SearchSpace({"m": Choice(("lora", "full")), "lr": FloatRange(1e-5, 1e-2, log=True)}, branches)
    study = study_of(sampler_of(name), space, n_trials=10)
    points = run(study, lambda study, asked: study.complete(asked.number, -math.log10(float(asked.params["lr"] or 1))))
    own = {"lora": "r", "full": "freeze"}
    assert {point["m"] for point in points} == set(own)
    assert all(set(point) == {"m", "lr", own[point["m"]]} for point in points)


@pytest.mark.parametrize("name", LEARNING)
def test_failed_regions_are_left(name: str) -> None:
    """Trials that diverge are no blank: half of the space diverges, and few of the later trials lie there."""

    def end(study: Study, asked: AskedTrial) -> None:
        x, y = (float(asked.params[key] or 0.0) for key in "xy")
        if x > 0.5:
            study.fail(asked.number, FailureKind.diverged)
        else:
            study.complete(asked.number, -((y - 0.5) ** 2))

    space: Space = {"x": FloatRange(0.0, 1.0), "y": FloatRange(0.0, 1.0)}
    points = run(study_of(sampler_of(name), space, n_trials=num_trials(name, 48)), end)
    later = points[len(points) // 2 :]
    assert sum(point["x"] > 0.5 for point in later) <= 0.3 * len(later)


@pytest.mark.parametrize("name", LEARNING)
def test_only_failures_teach_nothing_to_come_closer(name: str) -> None:
    """While no trial has a value, each is drawn as if it were the first."""
    study = study_of(sampler_of(name), SPACE)
    points = run(study, lambda study, asked: study.fail(asked.number, FailureKind.diverged))
    assert len({point_id(point) for point in points}) == 8


@pytest.mark.parametrize("name", ["tpe", "gp", "cmaes", "nsga2", "nsga3"])
def test_pruned_trials_are_learned_from(name: str) -> None:
    """Optuna's samplers of this kind forget them, and a search whose pruner is busy would never begin to learn: with
    other values of pruned trials, later points are others.
    """

    def points(sign: float) -> list[dict[str, Any]]:
        def end(study: Study, asked: AskedTrial) -> None:
            study.report(asked.number, 10, objective=sign * quality(asked.params), progress=0.25)
            study.prune(asked.number)

        return run(study_of(sampler_of(name), SPACE, n_trials=8), end)

    one, other = points(1.0), points(-1.0)
    assert one[:4] == other[:4]
    assert one[4:] != other[4:]


def test_a_grid_has_every_point_once_and_both_ends() -> None:
    points = run(study_of(sampler_of("grid", points=3), SPACE, n_trials=48))
    assert len({point_id(point) for point in points}) == 48
    assert sorted({point["lr"] for point in points}) == [1e-5, 0.000316228, 1e-2]


def test_a_smaller_budget_takes_points_from_all_over_a_grid() -> None:
    """In an order that the seed draws, and not the first ones of the list."""
    points = run(study_of(sampler_of("grid", points=3), SPACE, n_trials=10))
    assert len({point["lr"] for point in points}) == 3
    assert len({point["n"] for point in points}) > 3


@pytest.mark.parametrize("sequence", ["sobol", "halton"])
def test_quasi_random_points_fill_the_space_evenly(sequence: str) -> None:
    """Of sixteen points one lies in each eighth or so; random ones leave gaps."""
    points = run(
        study_of(sampler_of("qmc", sequence=sequence), {"x": FloatRange(0.0, 1.0)}, n_trials=16),
        lambda study, asked: study.complete(asked.number, 0.0),
    )
    assert {int(point["x"] * 8) for point in points} == set(range(8))


def test_evolution_leaves_nothing_to_unpickle() -> None:
    """Optuna's own keeps a pickle in the study: whoever can write to the storage would run code in every worker."""
    study = study_of(sampler_of("cmaes"), SPACE, n_trials=12)
    run(study)
    assert not any(trial.system_attrs for trial in study._study.get_trials(deepcopy=False))


@pytest.mark.parametrize("name", ["tpe", "gp", "cmaes"])
def test_it_comes_closer_than_chance(name: str) -> None:
    """The later half of its points are better than random ones."""

    def later(sampler: str) -> float:
        points = run(study_of(sampler_of(sampler), SPACE, n_trials=num_trials(name, 36)))
        return mean(map(quality, points[len(points) // 2 :]))

    assert later(name) > later("random")


def test_a_suggestion_that_costs_more_than_a_trial_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Once, and not for the first one, which may have waited for an import."""
    monkeypatch.setattr(ask_cost, "MIN_SECONDS", 0.0)
    costs = ask_cost.AskCost("gp")
    study = study_of(sampler_of("random"), SPACE, n_trials=2)
    run(study)
    with caplog.at_level("WARNING"):
        for _ in range(4):
            costs.took(60.0, study.trials())
    assert [record.getMessage().partition(" s ")[0] for record in caplog.records] == ["search/sampler=gp took 60.0"]


def test_a_gaussian_process_begins_with_a_sequence_that_fills_the_space() -> None:
    begun = run(study_of(sampler_of("gp"), SPACE, n_trials=4))
    assert begun == run(study_of(sampler_of("qmc"), SPACE, n_trials=4))


def test_a_gaussian_process_suggests_what_optunas_own_does() -> None:
    """Of the same trials, a choice among their dimensions."""
    study = study_of(sampler_of("gp"), SPACE, n_trials=6)
    run(study)
    *known, last = study._study.get_trials()
    seed = int.from_bytes(hashlib.sha256(b"0/5").digest()[:4], "little")
    plain = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.GPSampler(seed=seed, n_startup_trials=SMALL["n_startup_trials"])
    )
    plain.add_trials(known)
    assert plain.ask(last.distributions).params == last.params
