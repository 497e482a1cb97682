"""What a sweep needs of every storage."""

import multiprocessing
import os
import signal
from dataclasses import replace

import pytest

from slimtune.sweeper.pruner_config import SuccessiveHalving
from slimtune.sweeper.sampler_config import TpeSearch
from slimtune.sweeper.space.dimension import Choice, FloatRange, IntRange
from slimtune.sweeper.space.search_space import SearchSpace
from slimtune.sweeper.study import Lease, Study, StudySpec, TrialState, load_study_attrs, load_study_trials
from slimtune.sweeper.study.storages.write_behind import flush
from slimtune.training.trial import FailureKind
from tests.sweeper.study.specs import spec_of

SPACE = SearchSpace({"x": FloatRange(0.0, 1.0), "n": IntRange(1, 8), "c": Choice(("a", "b"))})
TPE = TpeSearch(name="tpe", n_startup_trials=3, n_ei_candidates=24, multivariate=True, group=True)
HALVING = SuccessiveHalving(name="successive_halving", min_examples=10, reduction_factor=2)


@pytest.fixture
def spec(storage: str, study_name: str) -> StudySpec:
    return spec_of(storage=storage, name=study_name, space=SPACE, n_trials=5, sampler=TPE, pruner=HALVING)


def run_one(study: Study, worker: str) -> bool:
    """Ask, report twice, tell."""
    asked = study.ask(worker)
    if asked is None:
        return False
    for step in (10, 20):
        if study.report(asked.number, step, objective=asked.params["x"] * step, progress=step / 20).stop:
            study.prune(asked.number)
            return True
    study.complete(asked.number, asked.params["x"])
    return True


def trace(spec: StudySpec) -> list[tuple[object, ...]]:
    """All that a search decided."""
    study = Study(spec)
    with Lease(study) as lease:
        while run_one(study, lease.worker):
            pass
    return [(one.number, one.state, dict(one.params), dict(one.intermediate)) for one in Study(spec).shown()]


def test_one_seed_is_one_search_on_every_storage(spec: StudySpec) -> None:
    """Suggestions and what is pruned are those of a study in memory, which nothing is written behind of."""
    import optuna

    spec = replace(spec, n_trials=10)
    reference = replace(spec, storage=optuna.storages.InMemoryStorage())
    found = trace(spec)
    study = Study(reference)
    with Lease(study) as lease:
        while run_one(study, lease.worker):
            pass
    assert found == [(one.number, one.state, dict(one.params), dict(one.intermediate)) for one in study.shown()]
    assert {state for _, state, *_ in found} == {TrialState.complete, TrialState.pruned}


def test_what_was_noted_is_there_for_others(spec: StudySpec) -> None:
    """Attributes of study and trial, values, reports, a failure with its kind."""
    study = Study(spec)
    study.set_attr("key", {"a": [1, 2.5, None, "é"]})
    with Lease(study) as lease:
        asked = study.ask(lease.worker)
        assert asked is not None
        study.set_trial_attr(asked.number, "run_id", "abc")
        study.report(asked.number, 10, objective=0.5, progress=0.5)
        study.fail(asked.number, FailureKind.out_of_memory)
    (trial,) = load_study_trials(spec.storage, spec.name).trials
    assert (trial.state, trial.kind, trial.run_id) == (TrialState.failed, "out-of-memory", "abc")
    assert dict(trial.params) == asked.params
    assert dict(trial.intermediate) == {10: 0.5}
    assert load_study_attrs(spec.storage, spec.name)["key"] == {"a": [1, 2.5, None, "é"]}


def die_in_a_trial(spec: StudySpec) -> None:
    study = Study(spec)
    with Lease(study) as lease:
        asked = study.ask(lease.worker)
        assert asked is not None
        study.set_trial_attr(asked.number, "run_id", "kept")
        flush(study._study)
        os.kill(os.getpid(), signal.SIGKILL)


def test_the_trial_of_a_dead_worker_is_tried_again_with_its_values_and_its_run(spec: StudySpec) -> None:
    """Which storage knows of heartbeats does not matter."""
    killed = multiprocessing.get_context("spawn").Process(target=die_in_a_trial, args=(spec,))
    killed.start()
    killed.join()
    study = Study(spec)
    with Lease(study) as lease:
        again = study.ask(lease.worker)
        assert again is not None
    lost = study.trials()[0]
    assert (lost.state, lost.kind) == (TrialState.failed, "lost")
    assert again.params == dict(lost.params)
    assert (again.attrs["run_id"], again.attrs["retry_of"], again.attrs["retries"]) == ("kept", 0, 1)


def work(spec: StudySpec) -> None:
    study = Study(spec)
    with Lease(study) as lease:
        while run_one(study, lease.worker):
            pass


def test_workers_share_the_budget(spec: StudySpec) -> None:
    """Each place of it once, and no point twice, however many ask at once."""
    spec = replace(spec, n_trials=12)
    Study(spec).start_from({"x": 0.25, "n": 1, "c": "a"})
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=work, args=(spec,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    shown = Study(spec).shown()
    assert len(shown) == 12
    assert all(one.finished for one in shown)
    assert len({tuple(one.params.values()) for one in shown}) == 12
    assert sum(one.params["x"] == 0.25 for one in shown) == 1


def test_a_trial_that_another_worker_has_taken_over_is_stopped(spec: StudySpec) -> None:
    """At the next report or the one after that, and it cannot be told any more."""
    study, other = Study(spec), Study(spec)
    asked = study.ask("nobody-1-abc")
    assert asked is not None
    other.free_lost()
    study.report(asked.number, 10, objective=0.5, progress=0.5)
    flush(study._study)
    verdict = study.report(asked.number, 20, objective=0.5, progress=1.0)
    assert (verdict.stop, verdict.reason) == (True, "another worker has taken the trial over")
    study.complete(asked.number, 0.5)
    assert next((one.state, one.kind) for one in Study(spec).trials()) == (TrialState.failed, "lost")
