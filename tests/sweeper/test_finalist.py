import json
from pathlib import Path

import pytest

from slimtune.sweeper.finalist import Finalist, Run, read_winner, told_mean, winner_of


def make(number: int, *scores: float) -> Finalist:
    runs = [Run(score, Path(f"{number}-{at}"), f"run {at}") for at, score in enumerate(scores)]
    return Finalist(number, {"method.r": 8}, runs)


def test_the_best_run_is_the_first_of_equals() -> None:
    assert make(0, 0.5, 0.7, 0.7).best_run(maximize=True).run_id == "run 1"
    assert make(0, 0.5, 0.7, 0.5).best_run(maximize=False).run_id == "run 0"


def test_spread_is_the_standard_deviation() -> None:
    assert make(0, 0.5, 0.7).spread == pytest.approx(0.1414, abs=1e-4)
    assert make(0, 0.5).spread is None


def test_a_winner_has_the_mean_of_its_seeds_and_the_checkpoint_of_its_best_run() -> None:
    found = make(3, 0.5, 0.75)
    winner = winner_of(found, found.best_run(maximize=True), {"size_mb": 9.0})
    assert winner == (3, {"method.r": 8}, 0.625, Path("3-1"), "run 1", {"size_mb": 9.0}, None, None)


def test_a_winner_is_read_as_it_was_kept() -> None:
    """A study keeps JSON; one that was begun before objectives had names has none of their values."""
    found = make(3, 0.5, 0.75)
    winner = winner_of(found, found.best_run(maximize=False), {})
    kept = json.loads(json.dumps(winner.as_dict()))
    assert read_winner(kept) == winner
    assert read_winner({key: value for key, value in kept.items() if key != "values"}) == winner


def test_a_score_is_told_as_what_it_is() -> None:
    """A winner of one seed has no mean; an older one does not say how many it has."""
    one, several = make(0, 0.5), make(0, 0.5, 0.7)
    assert told_mean(winner_of(one, one.runs[0], {}).as_dict()) == "with one seed"
    chosen = winner_of(several, several.runs[1], {})._replace(exported="its model: ...")
    assert (told_mean(chosen.as_dict()), told_mean(chosen.as_dict(), 2)) == (
        "mean over its seeds",
        "means over its seeds",
    )
    assert told_mean({}) == "mean over its seeds"
