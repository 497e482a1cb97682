from pathlib import Path

import pytest

from slimtune.sweeper.campaigns.selection import Candidate, winner
from slimtune.training.errors import StoreError


def make(number: int, *scores: float) -> Candidate:
    paths = [Path(f"{number}-{index}") for index in range(len(scores))]
    return Candidate(number, {}, list(scores), paths, [None] * len(scores))


def test_the_best_mean_over_seeds_wins_not_the_luckiest_run() -> None:
    entered = [make(0, 0.9, 0.5), make(1, 0.8, 0.8)]
    assert winner(entered, maximize=True).number == 1
    assert winner(entered, maximize=False).number == 0


def test_a_finalist_whose_reruns_failed_does_not_win_by_its_one_score() -> None:
    assert winner([make(0, 0.95), make(1, 0.9, 0.9)], maximize=True).number == 1


def test_ties_go_by_trial_number_and_first_run() -> None:
    entered = [make(3, 0.7), make(1, 0.7)]
    assert winner(entered, maximize=True).number == 1
    assert make(0, 0.5, 0.7, 0.7).best(maximize=True) == 1
    assert make(0, 0.5, 0.7, 0.5).best(maximize=False) == 0


def test_spread_is_the_standard_deviation() -> None:
    assert make(0, 0.5, 0.7).spread == pytest.approx(0.1414, abs=1e-4)
    assert make(0, 0.5).spread == 0.0


def test_without_a_completed_trial_there_is_no_winner() -> None:
    with pytest.raises(StoreError, match="no trial completed"):
        winner([], maximize=True)
