"""Trials whose worker died: they are tried again in their places, each once."""

import multiprocessing
import os
import signal
import threading
from pathlib import Path

import optuna
import pytest

from slimtune.sweeper.sampler_config import SamplerConfig
from slimtune.sweeper.space.dimension import Choice, Dimension, FloatRange, Scalar
from slimtune.sweeper.space.search_space import SearchSpace
from slimtune.sweeper.study import Lease, Study, StudySpec, TrialRecord, TrialState
from slimtune.sweeper.study.liveness.storage_lock import alone
from slimtune.sweeper.study.record import EARLIER, LOST, REPEATED, RETRY_OF, SURPLUS, WORKER
from slimtune.sweeper.study.storages.write_behind import flush
from tests.sweeper.study.specs import RANDOM, SPACE, TPE, make_spec, run_all, spec_of


def ask_and_die_before_suggesting(spec: StudySpec) -> None:
    study = Study(spec)
    with Lease(study) as lease:
        trial = study._study.ask()
        trial.set_user_attr("worker", lease.worker)
        flush(study._study)
        os.kill(os.getpid(), signal.SIGKILL)


def test_the_given_point_outlives_a_worker_that_died_before_it_took_it(tmp_path: Path) -> None:
    spec = make_spec(tmp_path, n_trials=1)
    Study(spec).start_from({"x": 0.25})
    killed = multiprocessing.get_context("spawn").Process(target=ask_and_die_before_suggesting, args=(spec,))
    killed.start()
    killed.join()
    (params,) = run_all(Study(spec))
    assert params["x"] == 0.25


def die_between_two_values(spec: StudySpec) -> None:
    study = Study(spec)
    with Lease(study) as lease, pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            optuna.Trial, "suggest_int", lambda *_, **__: flush(study._study) or os.kill(os.getpid(), signal.SIGKILL)
        )
        study.ask(lease.worker)


@pytest.mark.parametrize("sampler", [RANDOM, TPE])
@pytest.mark.parametrize("given", [{}, {"c": "b"}])
def test_a_worker_that_died_while_it_took_its_values_changes_nothing(
    tmp_path: Path, sampler: SamplerConfig, given: dict[str, Scalar]
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    studies = [Study(make_spec(tmp_path / name, n_trials=2, sampler=sampler)) for name in "ab"]
    for study in studies:
        study.start_from(given)
    killed = multiprocessing.get_context("spawn").Process(target=die_between_two_values, args=(studies[1].spec,))
    killed.start()
    killed.join()
    assert [list(trial.params) for trial in studies[1].trials()] == [["x"]]
    assert run_all(studies[1]) == run_all(studies[0])


def take_and_die(spec: StudySpec) -> None:
    study = Study(spec)
    with Lease(study) as lease:
        asked = study.ask(lease.worker)
        assert asked is not None
        study.set_trial_attr(asked.number, "run_id", "run-of-the-lost")
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_trial_whose_worker_was_killed_is_tried_again_in_its_place(tmp_path: Path) -> None:
    """Same values, same run, same place of the budget: the rest of the sweep is that of an unbroken one."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    unbroken = run_all(Study(make_spec(tmp_path / "a", sampler=TPE)))
    spec = make_spec(tmp_path / "b", sampler=TPE)
    killed = multiprocessing.get_context("spawn").Process(target=take_and_die, args=(spec,))
    killed.start()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    study = Study(spec)
    assert run_all(study) == unbroken
    assert [trial.state for trial in study.shown()] == [TrialState.complete] * 4
    retried = next(trial for trial in study.shown() if trial.attrs.get("retry_of") == 0)
    assert retried.run_id == "run-of-the-lost"
    assert retried.attrs["earlier"] == [0]
    assert [trial.kind for trial in study.trials() if not trial.counts] == ["lost"]


def test_a_trial_that_kills_its_worker_each_time_is_given_up(tmp_path: Path) -> None:
    """After max_retries it is a failure that uses up a place: bad regions are not tried forever."""
    spec = make_spec(tmp_path)
    for _ in range(2):
        process = multiprocessing.get_context("spawn").Process(target=take_and_die, args=(spec,))
        process.start()
        process.join()
    study = Study(spec)
    assert len(run_all(study)) == 3
    assert [trial.kind for trial in study.shown()].count("worker-died") == 1
    assert len(study.shown()) == 4


def test_a_living_worker_keeps_its_trial(tmp_path: Path) -> None:
    spec = make_spec(tmp_path)
    study = Study(spec)
    with Lease(study) as lease:
        assert study.ask(lease.worker) is not None
        other = Study(spec)
        other.free_lost()
        assert [trial.state for trial in other.trials()] == [TrialState.running]
    # the lease was handed back
    other.free_lost()
    assert [trial.kind for trial in other.trials()] == ["lost", None]


def test_a_worker_that_dies_while_it_takes_back_a_trial_loses_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With joblib all workers die with one, also the one that has just ended its trial and not enqueued it again."""
    spec = make_spec(tmp_path)
    study, other = Study(spec), Study(spec)
    with Lease(study) as lease:
        asked = study.ask(lease.worker)
        assert asked is not None

    class KilledError(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise KilledError

    with monkeypatch.context() as dying:
        dying.setattr(other._study, "enqueue_trial", die)
        with pytest.raises(KilledError):
            other.free_lost()
    assert [trial.kind for trial in other.trials()] == ["lost"]
    for _ in range(2):
        study.free_lost()
        lost, again = study.trials()
        assert (lost.kind, again.kind, again.state) == ("lost", None, TrialState.waiting)
        assert again.attrs[EARLIER] == [asked.number]
    with Lease(other) as lease:
        taken = other.ask(lease.worker)
        assert taken is not None
        assert taken.params == asked.params


def test_who_tries_a_trial_again_draws_as_it_did_whatever_was_given_up_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it takes the point of the next one, which was begun before it came back."""
    spec = make_spec(tmp_path)
    study, other = Study(spec), Study(spec)
    with Lease(other) as living, Lease(study) as dying:
        given_up = other.ask(living.worker)
        assert given_up is not None
        with monkeypatch.context() as patched:
            patched.setattr(study, "_suggested", lambda _: None)
            patched.setattr(study, "ask", lambda _: None)
            assert Study.ask(study, dying.worker) is None
        assert other._fail(given_up.number, REPEATED)
        following = other.ask(living.worker)
        assert following is not None
        other.complete(following.number, 0.5)
    params = [following.params, *run_all(other)]
    assert [trial.kind for trial in other.trials()].count(LOST) == 1
    assert len({str(one) for one in params}) == len(params) == 4
    assert [trial.kind for trial in other.trials()].count(REPEATED) == 1


def test_a_second_attempt_whose_worker_dies_before_it_is_seen_is_not_tried_again(tmp_path: Path) -> None:
    """Servers let two workers enqueue the same lost trial; a place has one trial, whoever dies next."""
    spec = spec_of(
        storage=f"sqlite:///{tmp_path / 'study.db'}",
        n_trials=4,
        space=SearchSpace(SPACE),
        sampler=RANDOM,
        max_retries=2,
    )
    study, other = Study(spec), Study(spec)
    with Lease(study) as lease:
        assert study.ask(lease.worker) is not None
    other.free_lost()
    lost, _ = other.trials()
    study._enqueue_again(lost, died=True)
    with Lease(study) as lease:
        for _ in range(2):
            # each has taken one of them, and dies before he looks at the others
            study._study.ask().set_user_attr(WORKER, lease.worker)
    params = run_all(other)
    assert sorted(map(str, params)) == sorted({str(one) for one in params})
    assert len(other.shown()) == len(params) == 4
    assert [trial.kind for trial in other.trials()[:4]] == [LOST, LOST, SURPLUS, None]


@pytest.mark.parametrize(
    "space", [{"x": FloatRange(0.0, 1.0)}, {"x": Choice((0.1, 0.2, 0.3, 0.4))}], ids=["endless", "finite"]
)
@pytest.mark.parametrize("enqueues", [True, False], ids=["enqueued", "not yet"])
def test_who_asks_while_lost_trials_are_taken_back_takes_none_of_their_points(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, space: dict[str, Dimension], *, enqueues: bool
) -> None:
    """His trial is begun before others find the lost ones: these come back under later numbers, in earlier places."""
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    spec = spec_of(storage=storage, n_trials=4, space=SearchSpace(space), max_retries=2)
    study, other = Study(spec), Study(spec)
    with Lease(study) as lost:
        points = [asked.params for _ in range(3) if (asked := study.ask(lost.worker)) is not None]
    look, free = study._others, study.free_lost

    def look_late(number: int, *, num_read: int) -> list[TrialRecord]:
        monkeypatch.undo()
        with monkeypatch.context() as dying:
            if not enqueues:
                dying.setattr(other, "_enqueue_again", lambda *_, **__: None)
            other.free_lost()
        return look(number, num_read=num_read)

    # one of them was begun since he looked, so that he looks again
    monkeypatch.setattr(study, "free_lost", lambda: study.trials()[:-1])
    monkeypatch.setattr(study, "_others", look_late)
    with Lease(study) as lease:
        asked = study.ask(lease.worker)
        assert asked is not None
        assert asked.number == len(points)
        assert study.free_lost == free
        assert asked.params not in points
        study.complete(asked.number, 0.5)
    run_all(study)
    shown = study.shown()
    assert [trial.state for trial in shown] == [TrialState.complete] * 4
    assert sorted(str(trial.params) for trial in shown) == sorted(map(str, [*points, asked.params]))
    assert not [trial for trial in study.trials() if trial.kind == "repeated"]


def test_a_trial_ends_once_where_a_storage_locks_no_rows(tmp_path: Path) -> None:
    """Its worker ends it while another thread or process takes it back: else both would count."""
    spec = make_spec(tmp_path)
    study, other = Study(spec), Study(spec)
    with Lease(study) as lease:
        asked = study.ask(lease.worker)
        assert asked is not None
        ending = threading.Thread(target=study.complete, args=(asked.number, 0.5))
        with alone(spec.storage):
            ending.start()
            ending.join(0.5)
            assert ending.is_alive()
            other.put_back(asked.number)
        ending.join()
    assert [(trial.kind, trial.state) for trial in other.trials()] == [
        ("lost", TrialState.failed),
        (None, TrialState.waiting),
    ]


@pytest.mark.parametrize("is_seen", [True, False], ids=["dropped", "taken"])
def test_a_trial_that_two_processes_find_lost_is_tried_again_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_seen: bool
) -> None:
    """One ends it, and before he has enqueued it again another one sees that nobody has."""
    spec = spec_of(storage=f"journal:///{tmp_path / 'study.log'}", space=SearchSpace(SPACE), n_trials=2)
    study, other = Study(spec), Study(spec)
    with Lease(study) as lease:
        study.ask(lease.worker)
    enqueue = study._enqueue_again

    def enqueue_late(trial: TrialRecord, *, died: bool) -> None:
        other.free_lost()
        enqueue(trial, died=died)

    monkeypatch.setattr(study, "_enqueue_again", enqueue_late)
    study.free_lost()
    assert [trial.attrs.get(RETRY_OF) for trial in study.trials()] == [None, 0, 0]
    if not is_seen:
        # it is enqueued when the others have looked
        monkeypatch.setattr(Study, "_drop", lambda *_: None)
    run_all(study)
    assert [trial.kind for trial in study.trials()] == ["lost", None, "surplus", None]
    assert [trial.attrs["index"] for trial in study.shown()] == [0, 1]
