"""How sure the winner's lead is, by its seeds and by the validation rows: of shares of rows, and of other scores."""

import pytest

from slimtune.sweeper.study.analysis.finalists import Seeded
from slimtune.sweeper.study.analysis.lead import Scored, doubt, lead_of

ACCURACY = Scored("accuracy", 44)


def two(
    first: list[float], second: list[float], parts: tuple[list[float], list[float]] | None = None
) -> tuple[Seeded, Seeded]:
    """Trials 0 and 1 over their seeds; the parts are those of seed 1."""
    one, other = ({1: values} for values in parts) if parts else ({}, {})
    return Seeded(0, first, parts=one), Seeded(1, second, parts=other)


@pytest.mark.parametrize(("metric", "score"), [("accuracy", 0.3636), ("loss", 1.25), ("rougeL", 0.5)])
def test_a_tie_is_told_whatever_the_score_is(metric: str, score: float) -> None:
    """Also where no seed moved either of them."""
    said = doubt(two([score] * 2, [score] * 2), 0, Scored(metric, 44))
    assert said is not None
    assert said.startswith(f"Within noise: trial 0 and trial 1 tie at {score:.4f} in the mean of {metric} over 2 seeds")
    assert "on 44 validation rows" in said


def test_a_row_of_few_is_within_noise_although_no_seed_moved_the_scores() -> None:
    """34 and 33 of 44 rows right: the binomial standard error of the difference is that of the rows."""
    found = two([34 / 44] * 2, [33 / 44] * 2)
    share = 67 / 88
    lead = lead_of(*found, ACCURACY)
    assert (lead.seeds_error, lead.rows_error) == (0.0, pytest.approx((2 * share * (1 - share) / 44) ** 0.5))
    said = doubt(found, 0, ACCURACY)
    assert said is not None
    assert "trial 0 leads trial 1 by 0.0227" in said
    assert "data.validation_share" in said, "more seeds do not help where the rows are few"


def test_parts_of_the_same_rows_say_more_than_shares() -> None:
    """One model is right on one row of each part more: what the rows are is no excuse for the other."""
    parts = [0.5, 1.0, 0.5, 0.5, 1.0], [0.0, 0.5, 0.0, 0.0, 0.5]
    assert lead_of(*two([0.7, 0.7], [0.2, 0.2], parts), Scored("accuracy", 10)).rows_error == 0.0
    assert doubt(two([0.7, 0.7], [0.2, 0.2], parts), 0, Scored("accuracy", 10)) is None


@pytest.mark.parametrize("metric", ["loss", "rougeL", "cost"])
def test_parts_say_how_sure_any_score_is(metric: str) -> None:
    """Here all of the lead is of one part; a part that has no score is left out."""
    nothing = float("nan")
    parts = [1.0, 0.5, 0.5, nothing], [0.0, 0.5, 0.5, 0.5]
    lead = lead_of(*two([0.6, 0.6], [0.5, 0.5], parts), Scored(metric, 8))
    assert lead.rows_error == pytest.approx(1 / 3)
    assert "Within noise" in str(doubt((lead.first, lead.second), 0, Scored(metric, 8)))


def test_errors_of_seeds_and_rows_go_together() -> None:
    lead = lead_of(*two([0.8, 0.9], [0.7, 0.8]), ACCURACY)
    assert lead.seeds_error == pytest.approx(0.0707, abs=1e-4)
    assert lead.rows_error is not None
    assert lead.noise == pytest.approx(2 * (0.0707**2 + lead.rows_error**2) ** 0.5, abs=1e-3)


def test_a_clear_lead_on_many_rows_is_no_doubt() -> None:
    assert doubt(two([0.9, 0.9], [0.8, 0.8]), 0, Scored("accuracy", 5000)) is None


@pytest.mark.parametrize("metric", ["loss", "rougeL"])
def test_where_nothing_says_what_chance_is_that_is_told(metric: str) -> None:
    """No parts, no share of rows, and seeds that did not move the score."""
    said = doubt(two([0.9, 0.9], [0.8, 0.8]), 0, Scored(metric, 44))
    assert said is not None
    assert said.startswith("Chance not known: trial 0 leads trial 1 by 0.1000")
    assert "each of them gave the same score" in said


def test_the_spread_over_seeds_alone_is_taken_where_it_is_all_that_is_known() -> None:
    assert doubt(two([0.80, 0.84], [0.20, 0.24]), 0, Scored("rougeL", 44)) is None
    said = str(doubt(two([0.80, 0.84], [0.79, 0.83]), 0, Scored("rougeL")))
    assert "chance alone gives up to 0.0566: the better mean here need not be the better one on other rows" in said


def test_one_seed_each_is_told_with_what_the_rows_give() -> None:
    said = doubt(two([0.75], [0.75]), 0, ACCURACY)
    assert said is not None
    assert said.startswith("One seed each: trial 0 and trial 1 tie at 0.7500 on 44 validation rows; which rows")


def test_the_winner_stands_beside_one_with_as_many_seeds() -> None:
    """Who lost the race early may have a mean that flatters it."""
    found = [Seeded(5, [0.9]), Seeded(0, [0.8, 0.8]), Seeded(1, [0.8, 0.8])]
    assert "trial 0 and trial 1 tie" in str(doubt(found, 0, ACCURACY))


def test_a_winner_that_alone_was_rerun_is_told_with_what_helps() -> None:
    """More seeds of the winner say nothing of the other one."""
    winner = Seeded(0, [0.75, 0.71, 0.70])
    said = str(doubt(two([0.75], [0.74]), 0, ACCURACY, rerun=[winner]))
    assert said.startswith(
        "Trial 1 was not rerun: with one seed each, trial 0 leads trial 1 by 0.0100 on 44 validation"
    )
    assert "trial 0 alone was rerun (mean 0.7200 over 3 seeds)" in said
    assert "search.finalists=2 search.rerun_seeds=2" in said
    assert "One seed each" in str(doubt(two([0.75], [0.74]), 0, ACCURACY, rerun=[Seeded(7, [0.9, 0.9])])), "a third one"


def test_reruns_that_failed_are_why_there_is_one_seed_each() -> None:
    """As many again would fail the same way."""
    found = [Seeded(0, [0.75], failed=2), Seeded(1, [0.74], failed=2)]
    said = str(doubt(found, 0, ACCURACY))
    assert said.startswith("One seed each, since reruns failed: trial 0 leads trial 1")
    assert "search.rerun_seeds=4" in said


def test_of_unlike_numbers_of_seeds_the_one_with_a_single_seed_is_named() -> None:
    """It is rerun only where it is among the finalists."""
    said = str(doubt([Seeded(0, [0.9, 0.8, 0.9]), Seeded(1, [0.8], failed=2)], 0, Scored("rougeL", 44)))
    assert "over 1 and 3 seeds" in said
    assert "since trial 1 has one seed (2 reruns failed)" in said
    assert "search.finalists=2 search.rerun_seeds=6" in said


def test_a_better_mean_over_fewer_seeds_is_no_lead_of_the_winner() -> None:
    """Which is what a sentence of its lead would say."""
    said = str(doubt([Seeded(5, [0.9]), Seeded(0, [0.8, 0.8])], 0, ACCURACY))
    assert said.startswith("Better mean: trial 5 has accuracy 0.9000 over 1 seed, and trial 0, the winner, 0.8000")
    assert "search.finalists=2 search.rerun_seeds=2" in said
    found = [Seeded(5, [0.9, 0.9]), Seeded(0, [0.8, 0.8])]
    assert "it was no finalist any more when one was chosen" in str(doubt(found, 0, ACCURACY))
