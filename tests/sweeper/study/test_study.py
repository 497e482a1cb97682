"""The budget of a study, what it suggests, and how its trials compare."""

import multiprocessing
import time
from dataclasses import replace
from pathlib import Path

import optuna
import pytest

from slimtune.sweeper.goals.goals import goals_of
from slimtune.sweeper.pruner_config import SuccessiveHalving
from slimtune.sweeper.sampler_config import SamplerConfig
from slimtune.sweeper.space.dimension import FloatRange, Scalar
from slimtune.sweeper.space.search_space import SearchSpace
from slimtune.sweeper.study import AskedTrial, Lease, Study, StudySpec, TrialRecord, TrialState, load_study_trials
from slimtune.training.errors import StoreError
from slimtune.training.trial import FailureKind
from tests.sweeper.study.specs import RANDOM, TPE, make_spec, run_all, spec_of


def test_the_budget_is_the_total(tmp_path: Path) -> None:
    """Completed, pruned and failed trials use it up; opening the study again adds nothing to it."""
    study = Study(make_spec(tmp_path))
    with Lease(study) as lease:
        for end in (lambda n: study.complete(n, 0.5), study.prune, lambda n: study.fail(n, FailureKind.bug)):
            asked = study.ask(lease.worker)
            assert asked is not None
            end(asked.number)
    assert len(run_all(Study(make_spec(tmp_path)))) == 1
    assert run_all(Study(make_spec(tmp_path))) == []
    states = [trial.state.value for trial in study.shown()]
    assert states == ["complete", "pruned", "failed", "complete"]
    assert study.shown()[2].kind == "bug"


@pytest.mark.parametrize("sampler", [RANDOM, TPE])
def test_the_same_seed_suggests_the_same(tmp_path: Path, sampler: SamplerConfig) -> None:
    """Also when the study is opened anew after each trial, as after a crash."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "c").mkdir()
    unbroken = run_all(Study(make_spec(tmp_path / "a", n_trials=7, sampler=sampler)))
    broken = []
    for n_trials in range(1, 8):
        broken += run_all(Study(make_spec(tmp_path / "b", n_trials=n_trials, sampler=sampler)))
    assert broken == unbroken
    other = replace(make_spec(tmp_path / "c", n_trials=7, sampler=sampler), seed=1)
    assert run_all(Study(other)) != unbroken


def test_the_first_trial_of_a_new_study_takes_the_given_values(tmp_path: Path) -> None:
    """What is not given is sampled; a study that has trials is left alone."""
    study = Study(make_spec(tmp_path, n_trials=2))
    study.start_from({"x": 0.25, "c": "b"})
    first, second = run_all(study)
    assert (first["x"], first["c"]) == (0.25, "b")
    assert second["x"] != 0.25
    more = Study(make_spec(tmp_path, n_trials=3))
    more.start_from({"x": 0.25})
    assert [params["x"] == 0.25 for params in run_all(more)] == [False]


def work(spec: StudySpec) -> None:
    study = Study(spec)
    with Lease(study) as lease:
        while (asked := study.ask(lease.worker)) is not None:
            time.sleep(0.02)
            study.complete(asked.number, 0.5)


def test_two_workers_share_the_budget_exactly(tmp_path: Path) -> None:
    spec = make_spec(tmp_path, n_trials=9)
    Study(spec)
    workers = [multiprocessing.get_context("spawn").Process(target=work, args=(spec,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    shown = Study(spec).shown()
    assert len(shown) == 9
    assert all(trial.state is TrialState.complete for trial in shown)


def test_rungs_are_in_training_examples(tmp_path: Path) -> None:
    """The first rung keeps the better half of what has reached it, at the same number of examples."""
    pruner = SuccessiveHalving(name="successive_halving", min_examples=None, reduction_factor=2)
    study = Study(replace(make_spec(tmp_path), pruner=pruner))
    with Lease(study) as lease:
        first, second, third = (study.ask(lease.worker) for _ in range(3))
        assert first is not None
        assert second is not None
        assert third is not None
        assert not study.report(first.number, 5, objective=0.0, progress=0.1).stop, "before the first rung"
        assert not study.report(first.number, 10, objective=0.5, progress=0.2).stop
        verdict = study.report(second.number, 10, objective=0.4, progress=0.2)
        assert verdict == (True, "successive_halving at 10 examples")
        assert not study.report(third.number, 10, objective=0.6, progress=0.2).stop


def test_nan_is_a_failure(tmp_path: Path) -> None:
    study = Study(make_spec(tmp_path))
    with Lease(study) as lease:
        asked = study.ask(lease.worker)
        assert asked is not None
        study.complete(asked.number, float("nan"))
    assert study.shown()[0].kind == "diverged"


def test_ties_go_by_trial_number(tmp_path: Path) -> None:
    study = Study(make_spec(tmp_path))
    with Lease(study) as lease:
        for objective in (0.5, 0.7, 0.7, 0.1):
            asked = study.ask(lease.worker)
            assert asked is not None
            study.complete(asked.number, objective)
    assert [trial.number for trial in study.ranked()] == [1, 2, 0, 3]
    assert [trial.number for trial in load_study_trials(study.spec.storage, "s").ranked()] == [1, 2, 0, 3]


def test_a_storage_that_cannot_be_used_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"search\.storage is 'sqlite:////absent/study\.db'"):
        Study(replace(make_spec(tmp_path), storage="sqlite:////absent/study.db"))
    with pytest.raises(StoreError, match=r"search\.storage is 'nonsense'"):
        Study(replace(make_spec(tmp_path), storage="nonsense"))


def test_a_study_keeps_its_directions(tmp_path: Path) -> None:
    """Whoever resumes or joins it with another one is told, and does not rank its trials the wrong way round."""
    spec = make_spec(tmp_path)
    Study(spec)
    with pytest.raises(StoreError, match=r"search\.direction was maximize and is minimize \(it follows"):
        Study(replace(spec, goals=goals_of([False])))


def test_two_threads_that_ask_at_once_draw_what_one_would(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trial has a sampler of its own, whatever is asked for while it takes its values."""
    monkeypatch.setattr("slimtune.sweeper.study.study.SUGGEST_SECONDS", 0.0)
    calm, study = (
        Study(spec_of(storage=optuna.storages.InMemoryStorage(), space=SearchSpace({"x": FloatRange(0.0, 1.0)})))
        for _ in range(2)
    )
    suggest, asked = study._suggested, []
    with Lease(calm) as one, Lease(study) as two:

        def suggest_after_another(trial: optuna.Trial) -> dict[str, Scalar] | None:
            monkeypatch.setattr(study, "_suggested", suggest)
            asked.append(study.ask(two.worker))
            return suggest(trial)

        monkeypatch.setattr(study, "_suggested", suggest_after_another)
        asked.append(study.ask(two.worker))
        points = [trial.params for trial in reversed(asked) if trial is not None]
        assert points == [trial.params for _ in range(2) if (trial := calm.ask(one.worker)) is not None]


def test_two_workers_that_ask_at_once_draw_two_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither has to give its own back, as it would if both saw the same trials before."""
    spec = spec_of(
        storage=f"journal:///{tmp_path / 'study.log'}", space=SearchSpace({"x": FloatRange(0.0, 1.0)}), n_trials=4
    )
    first, second = Study(spec), Study(spec)
    asked: list[AskedTrial | None] = []
    with Lease(first) as one, Lease(second) as two:
        look = first.free_lost

        def look_and_be_late() -> list[TrialRecord]:
            trials = look()
            asked.append(second.ask(two.worker))
            return trials

        monkeypatch.setattr(first, "free_lost", look_and_be_late)
        asked.append(first.ask(one.worker))
    assert [trial.number for trial in asked if trial is not None] == [0, 1]
    assert len(first.trials()) == 2
