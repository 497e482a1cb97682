"""A race of the finalists ends early where its end is clear, and never else."""

import random

import pytest

from slimtune.sweeper.campaigns.selection.race import Racer, left_behind, racers_of
from slimtune.sweeper.study import TrialState
from slimtune.sweeper.study.record import OF_TRIAL, PARTS, SEED
from tests.sweeper.campaigns.selection.test_finalists import record


def racer(
    number: int, first: float | None, *scores: float, parts: list[list[float]] | None = None, failed: int = 0
) -> Racer:
    return Racer(number, first, dict(enumerate(scores)), dict(enumerate(parts or [])), failed)


def noisy(level: float, seed: int) -> list[float]:
    rng = random.Random(seed)
    return [level + 0.1 * rng.random() for _ in range(20)]


def test_close_ones_go_on() -> None:
    racers = [racer(0, 0.80, 0.79), racer(1, 0.79, 0.80), racer(2, 0.78, 0.79)]
    assert not left_behind(racers, maximize=True, num_seeds=3)


@pytest.mark.parametrize("sign", [1, -1])
def test_who_cannot_catch_up_leaves(sign: int) -> None:
    racers = [racer(0, sign * 0.80, sign * 0.79), racer(1, sign * 0.79, sign * 0.80), racer(2, sign * 0.5, sign * 0.51)]
    out = left_behind(racers, maximize=sign > 0, num_seeds=2)
    assert list(out) == [2]
    assert "would hardly give it a better mean here than trial 0 has" in out[2]


def test_the_more_seeds_are_left_the_further_may_one_be_behind() -> None:
    racers = [racer(0, 0.80, 0.79), racer(1, 0.75, 0.76)]
    assert list(left_behind(racers, maximize=True, num_seeds=2)) == [1]
    assert not left_behind(racers, maximize=True, num_seeds=20)


def test_rows_decide_where_spreads_do_not() -> None:
    """Behind on most parts of the same rows, and with each seed."""
    first, second = [noisy(0.80, 1)], [noisy(0.77, 1)]
    racers = [racer(0, 0.80, 0.86, parts=first), racer(1, 0.80, 0.83, parts=second)]
    out = left_behind(racers, maximize=True, num_seeds=20)
    assert out == {1: "behind trial 0 with each seed and over the same validation rows"}
    ahead_once = [racer(0, 0.80, 0.86, 0.80, parts=first), racer(1, 0.80, 0.83, 0.81, parts=second)]
    assert not left_behind(ahead_once, maximize=True, num_seeds=20)


def test_seeds_are_compared_with_the_same_seeds() -> None:
    """One whose worker died comes back under a later number, and another finalist may have lost another seed."""
    first, second = {1: noisy(0.80, 1), 2: noisy(0.90, 2)}, {2: noisy(0.87, 2), 1: noisy(0.77, 1)}
    racers = [Racer(0, 0.80, {1: 0.86, 2: 0.96}, first, 0), Racer(1, 0.80, {2: 0.93, 1: 0.83}, second, 0)]
    assert list(left_behind(racers, maximize=True, num_seeds=20)) == [1]
    others = [Racer(0, 0.80, {1: 0.86}, {1: first[1]}, 1), Racer(1, 0.80, {2: 0.83}, {2: noisy(0.77, 1)}, 1)]
    assert not left_behind(others, maximize=True, num_seeds=20)


def test_before_the_first_seed_nobody_leaves() -> None:
    assert not left_behind([racer(0, 0.9), racer(1, 0.1)], maximize=True, num_seeds=2)


def test_a_failed_rerun_is_out_unless_all_failed() -> None:
    """The winner is one of those with most runs."""
    out = left_behind([racer(0, 0.9, failed=1), racer(1, 0.8, 0.8)], maximize=True, num_seeds=2)
    assert out == {0: "a rerun of it failed"}
    assert not left_behind([racer(0, 0.9, failed=1), racer(1, 0.89, failed=1)], maximize=True, num_seeds=2)


def test_scores_on_other_rows_do_not_count() -> None:
    """Where trials of the search were scored on some of the rows: then one seed each says nothing of the spread."""
    one_each = [racer(0, None, 0.8), racer(1, None, 0.5)]
    assert not left_behind(one_each, maximize=True, num_seeds=4)
    assert not left_behind([racer(0, None), racer(1, None)], maximize=True, num_seeds=4)
    two_each = [racer(0, None, 0.80, 0.79), racer(1, None, 0.50, 0.51)]
    assert list(left_behind(two_each, maximize=True, num_seeds=4)) == [1]


def test_equal_scores_without_spread() -> None:
    assert not left_behind([racer(0, 0.5, 0.5), racer(1, 0.5, 0.5)], maximize=True, num_seeds=2)


def test_chance_seldom_puts_out_who_would_have_won() -> None:
    """Finalists that are equal: with all seeds each would win as often as another; the race changes few of the ends."""
    rng, changed, spared = random.Random(0), 0, 0
    for _ in range(400):
        runs = [[rng.gauss(0.8, 0.01) for _ in range(3)] for _ in range(3)]
        racers = [racer(number, *scores[:2]) for number, scores in enumerate(runs)]
        out = left_behind(racers, maximize=True, num_seeds=2)
        winner = max(range(3), key=lambda number: sum(runs[number]))
        changed, spared = changed + (winner in out), spared + len(out)
    assert changed <= 0.05 * 400
    assert spared > 0


def test_racers_are_the_finalists_with_their_own_reruns() -> None:
    finalists = [record(number, TrialState.complete, 0.5) for number in (4, 7)]
    reruns = [
        record(0, TrialState.complete, 0.6, **{OF_TRIAL: 7, PARTS: [0.5, 0.7], SEED: 1}),
        record(1, TrialState.failed, 0.1, **{OF_TRIAL: 7}),
        record(2, TrialState.running, 0.3, **{OF_TRIAL: 4}),
    ]
    assert racers_of(finalists, reruns) == [
        Racer(4, 0.5, {}, {}, 0),
        Racer(7, 0.5, {1: 0.6}, {1: [0.5, 0.7]}, 1),
    ]
