"""Warnings of the page: each with its numbers, and only where it is so."""

from typing import Any

import pytest

from slimtune.sweeper.report_page.cautions import baselines_not_beaten, cautions, end_of
from slimtune.sweeper.space.dimension import Choice, Dimension, FloatRange, IntRange, Scalar
from slimtune.sweeper.study import TrialState
from slimtune.training.config.score_range import MORE_ROWS
from slimtune.training.tracking.display import NO_MODEL, told_baseline
from tests.sweeper.report_page.sweeps import a_rerun, a_sweep, a_trial, a_winner

MIDDLE = {"fit.learning_rate": 3e-4, "fit.batch_size": 16}


def trials_of(*scores: float) -> list[Any]:
    return [
        a_trial(at, objective=score, values=(score,), params=MIDDLE, attrs={}, kind=None)
        for at, score in enumerate(scores)
    ]


def chosen(scores: dict[int, list[float]], **changes: Any) -> list[str]:
    """Of a sweep whose finalists have these scores, the trial's own first; the best mean is the winner."""
    trials = trials_of(*(own for own, *_ in scores.values()), 0.1, 0.1)
    reruns = [a_rerun(number, score) for number, (_, *others) in scores.items() for score in others]
    means = {number: sum(all_of) / len(all_of) for number, all_of in scores.items()}
    best = max(means, key=lambda number: means[number])
    return cautions(a_sweep(trials, reruns=reruns, attrs={"winner": a_winner(best, means[best])}, **changes))


def test_a_winner_within_noise_is_told_with_gap_and_noise() -> None:
    """Two standard errors of the difference of the means."""
    (said,) = chosen({0: [0.80, 0.84], 1: [0.79, 0.83]})
    assert "Within noise: trial 0 leads trial 1 by 0.0100" in said
    assert "chance alone gives up to 0.0566" in said
    assert "search.rerun_seeds=4" in said


def test_a_tie_on_few_rows_is_told_although_no_seed_moved_the_scores() -> None:
    """The number of validation rows is that of the data report."""
    data = {"splits": [{"name": "train", "num_rows": 200}, {"name": "validation", "num_rows": 44}]}
    (said,) = chosen({0: [0.75, 0.75], 1: [0.75, 0.75]}, data=data)
    assert said.startswith("Within noise: trial 0 and trial 1 tie at 0.7500")
    (said,) = chosen({0: [34 / 44] * 2, 1: [33 / 44] * 2}, data=data)
    assert "trial 0 leads trial 1 by 0.0227 in the mean of accuracy over 2 seeds on 44 validation rows" in said


def test_scores_of_some_of_the_rows_are_no_seed_of_a_finalist() -> None:
    """Where trials were scored on a sample, reruns on all rows count alone."""
    reruns = [a_rerun(0, 0.7), a_rerun(1, 0.6)]
    identity = {"task.metric": "accuracy", "data.validation_rows": "20"}
    facts = a_sweep(trials_of(0.9, 0.8), reruns=reruns, attrs={"identity": identity})
    assert [one.scores for one in facts.finalists()] == [[0.7], [0.6]]


def test_a_clear_winner_is_none() -> None:
    assert chosen({0: [0.90, 0.91], 1: [0.70, 0.71]}) == []


def test_without_reruns_nothing_says_what_chance_is() -> None:
    (said,) = chosen({0: [0.9], 1: [0.8]})
    assert "One seed each: trial 0 leads trial 1 by 0.1000" in said


def test_where_the_winner_alone_was_rerun_the_other_is_told_to_be_rerun() -> None:
    """A trial that was better and could not be chosen is none that it leads."""
    trials = trials_of(0.95, 0.9, 0.8)
    facts = a_sweep(trials, reruns=[a_rerun(1, 0.88)], attrs={"winner": a_winner(1, 0.89)})
    said = str(facts.doubt())
    assert said.startswith("Trial 2 was not rerun: with one seed each, trial 1 leads trial 2 by 0.1000")
    assert "trial 1 alone was rerun (mean 0.8900 over 2 seeds)" in said


def test_a_baseline_that_is_not_beaten_is_named() -> None:
    """The metric's own direction; other metrics do not count."""
    data = {"baselines": {"bag_of_words": {"accuracy": 0.95, "f1": 0.1}, "majority": {"accuracy": 0.2}}}
    (said,) = cautions(a_sweep(trials_of(0.9, 0.8, 0.7), data=data))
    assert "bag of words has accuracy 0.9500 on validation, the best trial 0.9000" in said
    won = a_sweep(trials_of(0.96, 0.8, 0.7), data=data, attrs={"winner": a_winner(0, 0.94)})
    (said,) = baselines_not_beaten(won)
    assert "bag of words has accuracy 0.9500 on validation, the winner 0.9400" in said


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"leaks_exact": 3}, "3 training rows were also held-out rows; they were removed"),
        ({"leaks_near": 4, "leaks_removed": False}, "4 training rows are nearly a held-out row and stayed"),
        ({"leaks_near": 4, "leaks_removed": False}, "set data.drop_leaks=true"),
        (
            {"leaks_near": 4, "leaks_removed": False, "leaks_shared": True},
            "they are more than a tenth of all",
        ),
        ({"leaks_near": 4, "leaks_removed": True}, "4 training rows were nearly a held-out row; they were removed"),
    ],
)
def test_leaks_are_told(data: dict[str, Any], words: str) -> None:
    (said,) = cautions(a_sweep(trials_of(0.9, 0.8, 0.7), data=data))
    assert words in said


def test_leaks_that_were_dealt_with_are_no_alarm_and_come_last() -> None:
    """One row is told as one."""
    said = cautions(a_sweep(trials_of(0.3), data={"leaks_exact": 1, "baselines": {"majority": {"accuracy": 0.4}}}))
    assert len(said) > 1
    assert said[-1].startswith("1 training row was also a held-out row; it was removed from training")


def test_the_best_value_at_a_bound_is_told() -> None:
    """With the range, and which way to go on."""
    trials = [a_trial(at, params={"fit.learning_rate": 1e-2, "method.r": 16}) for at in range(3)]
    (said,) = cautions(a_sweep(trials))
    assert "fit.learning_rate=0.01, the upper end of what was searched (1e-05 to 0.01)" in said
    assert "further up" in said


@pytest.mark.parametrize(
    ("value", "dimension", "end"),
    [
        (1e-5, FloatRange(1e-5, 1e-1, log=True), "lower"),
        (1e-3, FloatRange(1e-5, 1e-1, log=True), None),
        (0.99, FloatRange(0.0, 1.0), "upper"),
        (4, IntRange(4, 32), "lower"),
        (5, IntRange(5, 5), None),
        (8, Choice((8, 16, 32)), "lower"),
        (16, Choice((8, 16, 32)), None),
        (8, Choice((8, 16)), None),
        ("a", Choice(("a", "b", "c")), None),
        (True, Choice((True, False, 3)), None),
    ],
)
def test_what_is_at_an_end(value: Scalar, dimension: Dimension, end: str | None) -> None:
    assert end_of(value, dimension) == end


def test_many_failed_trials_are_told() -> None:
    failed = [a_trial(at, TrialState.failed, params=MIDDLE) for at in range(3, 5)]
    (said,) = cautions(a_sweep([*trials_of(0.9, 0.8, 0.7), *failed]))
    assert "2 of 5 trials failed (diverged)" in said


def test_a_sweep_without_a_complete_trial_is_told_so() -> None:
    said = cautions(a_sweep([a_trial(0, TrialState.pruned), a_trial(1, TrialState.failed)]))
    assert "No trial is complete: of 2 that ended, 1 pruned, 1 diverged" in said[0]


def test_refused_variants_are_named() -> None:
    reports = [
        {"name": "pytorch", "passed": False},
        {"name": "fp16", "passed": True},
        {"name": "int8", "passed": False},
    ]
    attrs = {"export": {"key": "", "result": {"reports": reports}}}
    (said,) = cautions(a_sweep(trials_of(0.9, 0.8, 0.7), attrs=attrs))
    assert said.startswith("Refused variants: int8 changed")


def test_a_winner_that_answers_everything_alike_is_told() -> None:
    test = {"num_rows": 60, "scores": {}, "details": {}, "note": "60 of the 60 answers are empty"}
    told = chosen({0: [0.90, 0.91], 1: [0.70, 0.71]})
    assert told == []
    attrs = {"test": {"key": "", "result": test}}
    assert "Test: 60 of the 60 answers are empty." in cautions(a_sweep(trials_of(0.9, 0.8, 0.7), attrs=attrs))


def test_where_no_model_can_be_better_no_longer_training_is_told() -> None:
    """As the data report has found."""
    data = {"baselines": {"bag_of_words": {"accuracy": 1.0}}}
    won = a_sweep(trials_of(1.0), data=data)
    (said,) = baselines_not_beaten(won)
    assert said.endswith("Train longer (fit.epochs), widen the search, or use the baseline.")
    noted = {**data, "notes": [f"{told_baseline('bag_of_words')}: accuracy 1.000; {NO_MODEL}"]}
    (said,) = baselines_not_beaten(a_sweep(trials_of(1.0), data=noted))
    assert said.endswith(
        "No model can be better there: use the baseline, score on other rows, or by another task.metric."
    )
    noted["notes"] = [f"{told_baseline('bag_of_words')}: accuracy 1.000; 24 of 25 rows; {MORE_ROWS}"]
    (said,) = baselines_not_beaten(a_sweep(trials_of(1.0), data=noted))
    assert said.endswith(f"Hardly a model can be better on so few rows: {MORE_ROWS}, or use the baseline.")
