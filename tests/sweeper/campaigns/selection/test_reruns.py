"""The reruns of the finalists, which several launching processes share."""

from collections import Counter
from pathlib import Path

import pytest

from slimtune.sweeper.campaigns.selection.reruns import BegunReruns, Reruns
from slimtune.sweeper.search.request import SweepRequest
from slimtune.sweeper.search.trials.trial_source import NAME
from slimtune.sweeper.study import Lease, Study, TrialRecord, TrialState
from slimtune.sweeper.study.record import OF_TRIAL
from tests.cases.sweep_requests import RequestOf, request_of
from tests.sweeper.campaigns.selection.test_finalists import record

__all__ = ["request_of"]


@pytest.fixture(name="sweep")
def sweep_fixture(request_of: RequestOf, tmp_path: Path) -> SweepRequest:  # a fixture of another file
    return request_of("search.rerun_seeds=2", f"search.storage='journal:///{tmp_path / 'study.log'}'")


FINALISTS: list[TrialRecord] = [
    record(number, TrialState.complete, 0.5)._replace(params={"fit.learning_rate": 1e-3 * (number + 1)})
    for number in (0, 3)
]


def run_one(study: Study, lease: Lease, score: float = 0.5) -> str | None:
    asked = study.ask(lease.worker)
    if asked is None:
        return None
    study.complete(asked.number, score)
    return str(asked.attrs[NAME])


def test_another_process_takes_part_in_what_is_enqueued(sweep: SweepRequest) -> None:
    """And no more when all have ended. None of them is done twice."""
    begun, leading = BegunReruns(sweep, FINALISTS), Reruns(sweep, FINALISTS, races=False)
    assert begun.study() is None
    own = leading.next_round()
    beside = begun.study()
    assert own is not None
    assert beside is not None
    assert beside.spec == own.spec
    with Lease(own) as one, Lease(beside) as two:
        done = [run_one(*pair) for pair in [(own, one), (beside, two)] * 3]
    assert Counter(done) == {"t00 seed 1": 1, "t00 seed 2": 1, "t03 seed 1": 1, "t03 seed 2": 1, None: 2}
    assert begun.study() is None
    assert leading.next_round() is None
    assert [trial.state for trial in leading.shown()] == [TrialState.complete] * 4


def test_a_finalist_that_this_process_does_not_know_is_not_rerun_by_it(sweep: SweepRequest) -> None:
    """The one that leads has another budget: its finalists are others."""
    Reruns(sweep, FINALISTS[:1], races=False).next_round()
    assert BegunReruns(sweep, FINALISTS[1:]).study() is None
    assert BegunReruns(sweep, []).study() is None


def test_a_race_goes_on_seed_by_seed_and_ends_when_it_is_won(sweep: SweepRequest) -> None:
    """Also when it is interrupted after each rerun."""
    done: list[str | None] = []
    for _ in range(4):
        study = Reruns(sweep, FINALISTS, races=True).next_round()
        if study is None:
            break
        with Lease(study) as lease:
            ahead = study.trials()[len(done)].attrs[OF_TRIAL] == 0
            done.append(run_one(study, lease, 0.501 if ahead else 0.499))
    assert done == ["t00 seed 1", "t03 seed 1", "t00 seed 2", "t03 seed 2"]


def test_who_cannot_win_any_more_gets_no_further_seeds(sweep: SweepRequest) -> None:
    third = FINALISTS[0]._replace(number=5, objective=0.1, params={"fit.learning_rate": 0.1})
    reruns = Reruns(sweep, [*FINALISTS, third], races=True)
    scores, done = {0: 0.501, 3: 0.5, 5: 0.1}, []
    while (study := reruns.next_round()) is not None:
        with Lease(study) as lease:
            while (asked := study.ask(lease.worker)) is not None:
                study.complete(asked.number, scores[asked.attrs[OF_TRIAL]])
                done.append(asked.attrs[NAME])
    assert done == ["t00 seed 1", "t03 seed 1", "t05 seed 1", "t00 seed 2", "t03 seed 2"]
    assert list(reruns.left_behind) == [5]
    assert list(reruns.cut_short()) == [5]


def test_one_finalist_runs_no_race(sweep: SweepRequest) -> None:
    """Its seeds say how far its score is chance."""
    reruns, done = Reruns(sweep, FINALISTS[:1], races=True), []
    while (study := reruns.next_round()) is not None:
        with Lease(study) as lease:
            done.append(run_one(study, lease))
    assert done == ["t00 seed 1", "t00 seed 2"]


def test_as_many_seeds_a_round_as_give_each_worker_one(request_of: RequestOf, tmp_path: Path) -> None:
    storage = f"search.storage='journal:///{tmp_path / 'study.log'}'"
    sweep = request_of("search.rerun_seeds=4", "search.num_workers=4", "hydra/launcher=joblib", storage)
    study = Reruns(sweep, FINALISTS, races=True).next_round()
    assert study is not None
    assert study.num_open() == 4


def test_no_worker_is_idle_while_others_rerun(request_of: RequestOf, tmp_path: Path) -> None:
    """Three finalists on two workers: the fourth place goes to the best one's next seed, which it then has."""
    storage = f"search.storage='journal:///{tmp_path / 'study.log'}'"
    sweep = request_of("search.rerun_seeds=2", "search.num_workers=2", "hydra/launcher=joblib", storage)
    third = FINALISTS[0]._replace(number=5, params={"fit.learning_rate": 0.1})
    reruns, rounds = Reruns(sweep, [*FINALISTS, third], races=True), []
    while (study := reruns.next_round()) is not None:
        with Lease(study) as lease:
            rounds.append([run_one(study, lease) for _ in range(study.num_open())])
    assert rounds == [["t00 seed 1", "t03 seed 1", "t05 seed 1", "t00 seed 2"], ["t03 seed 2", "t05 seed 2"]]
    assert reruns.cut_short() == {}
