from datetime import datetime
from pathlib import Path

import pytest

from slimtune.sweeper.campaigns.selection.reruns import best_finalist, gone_note, is_kept, with_reruns
from slimtune.sweeper.study import TrialRecord, TrialState
from slimtune.training.errors import StoreError
from tests.sweeper.test_finalist import make


def test_the_best_mean_over_seeds_wins_not_the_luckiest_run() -> None:
    finalists = [make(0, 0.9, 0.5), make(1, 0.8, 0.8)]
    assert best_finalist(finalists, maximize=True).number == 1
    assert best_finalist(finalists, maximize=False).number == 0


def test_a_finalist_whose_reruns_failed_does_not_win_by_its_one_score() -> None:
    assert best_finalist([make(0, 0.95), make(1, 0.9, 0.9)], maximize=True).number == 1


def test_who_was_left_behind_does_not_win_by_a_seed_that_kept_a_worker_busy() -> None:
    lost = make(0, 0.9, 0.5, 0.9)._replace(left_behind="behind trial 1 with each seed")
    assert best_finalist([lost, make(1, 0.8, 0.8)], maximize=True).number == 1


def test_ties_go_by_trial_number() -> None:
    assert best_finalist([make(3, 0.7), make(1, 0.7)], maximize=True).number == 1


def test_without_a_completed_trial_there_is_no_winner() -> None:
    with pytest.raises(StoreError, match="no trial completed"):
        best_finalist([], maximize=True)


def record(number: int, state: TrialState, objective: float | None, **attrs: object) -> TrialRecord:
    return TrialRecord(
        number=number,
        state=state,
        kind=None,
        objective=objective,
        params={},
        run_id=f"run {number}",
        started=datetime.now(),
        seconds=None,
        progress=1.0,
        intermediate={},
        attrs={"result": {"checkpoint": f"c{number}"}, **attrs},
    )


def test_a_finalist_has_its_own_run_and_its_reruns_that_completed() -> None:
    """Each with its own score, checkpoint and run, whatever of the others failed."""
    reruns = [
        record(0, TrialState.failed, 0.1, of_trial=7),
        record(1, TrialState.complete, 0.6, of_trial=7),
        record(2, TrialState.complete, 0.8, of_trial=4),
    ]
    (finalist,) = with_reruns([record(7, TrialState.complete, 0.5)], reruns)
    assert finalist.runs == [(0.5, Path("c7"), "run 7", {}), (0.6, Path("c1"), "run 1", {})]


def test_a_score_on_a_sample_is_not_mixed_with_those_on_all_rows() -> None:
    """Reruns alone count, where there are any."""
    trials = [record(7, TrialState.complete, 0.5), record(8, TrialState.complete, 0.4)]
    first, second = with_reruns(trials, [record(1, TrialState.complete, 0.6, of_trial=7)], sampled=True)
    assert [run[0] for run in first.runs] == [0.6]
    assert [run[0] for run in second.runs] == [0.4]


def test_a_trial_whose_checkpoint_is_gone_is_known_before_it_is_chosen(tmp_path: Path) -> None:
    """Told with who takes its place; a sweep's folder that was moved has its checkpoints still."""
    there = tmp_path / "trials" / "1" / "checkpoint-4"
    there.mkdir(parents=True)
    kept = record(1, TrialState.complete, 0.5)
    kept = kept._replace(attrs={"result": {"checkpoint": "/before/trials/1/checkpoint-4"}})
    gone = record(0, TrialState.complete, 0.9)
    assert (is_kept(kept, tmp_path), is_kept(gone, tmp_path)) == (True, False)
    assert gone_note([kept], [kept], tmp_path) is None
    told = gone_note([gone], [kept], tmp_path)
    assert told is not None
    assert told.startswith("trial 0 is among the best, but without a checkpoint")
    assert "taken instead: trial 1; bring the folder back" in told
