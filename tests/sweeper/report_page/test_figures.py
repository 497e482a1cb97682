"""What figures draw, where trials differ in what they have."""

from datetime import timedelta
from typing import Any

import pytest

from slimtune.sweeper.report_page.costs import costs
from slimtune.sweeper.report_page.figures.contour import contour
from slimtune.sweeper.report_page.figures.curves import MOST_POINTS, curves
from slimtune.sweeper.report_page.figures.figure import Figure, axis
from slimtune.sweeper.report_page.figures.parallel import parallel
from slimtune.sweeper.report_page.figures.pareto_points import pareto_points
from slimtune.sweeper.report_page.figures.rungs import rungs, rungs_of
from slimtune.sweeper.report_page.figures.seeds import seeds
from slimtune.sweeper.report_page.figures.slices import slices
from slimtune.sweeper.space.dimension import Choice, FloatRange
from slimtune.sweeper.study import TrialState
from slimtune.sweeper.study.record import ENDED_BY
from tests.sweeper.report_page.sweeps import BEGAN, STEPS, a_rerun, a_sweep, a_trial, some_trials


def drawn(figure: Figure | None) -> list[dict[str, Any]]:
    assert figure is not None
    return list(figure.data)


def test_a_curve_ends_where_the_next_one_begins() -> None:
    """One trace a state, with a gap between two trials; the best one again, on top."""
    complete, best = drawn(curves(a_sweep([a_trial(0), a_trial(1)])))
    assert complete["x"] == [*STEPS, None, *STEPS, None]
    assert [one for one in complete["customdata"] if one is not None] == [0] * 4 + [1] * 4
    assert best_number(best) == 0


def test_pruned_trials_and_those_that_ended_by_themselves_are_counted_apart() -> None:
    """Each by its own word, in the curves' sentence as in the leaderboard; the rungs are of the pruned ones."""
    patient = {"attrs": {ENDED_BY: "fit.patience"}, "progress": 0.5}
    trials = [a_trial(0, **patient), a_trial(1, **patient), a_trial(2, TrialState.pruned), a_trial(3)]
    figure = curves(a_sweep(trials))
    assert figure is not None
    assert figure.told.endswith("while they trained; 1 was pruned, 2 ended by fit.patience.")
    drawn_rungs = rungs(a_sweep(trials), rungs_of(trials))
    assert drawn_rungs is not None
    assert drawn_rungs.told.endswith("1 trial was pruned there.")


def test_what_trials_would_have_taken_to_their_ends_is_told_by_what_ended_them() -> None:
    """Half of 200 seconds was left of the one that its patience ended, half of 200 and so on of the pruned one."""
    trials = [a_trial(0, attrs={ENDED_BY: "fit.patience"}, progress=0.5), a_trial(1, TrialState.pruned)]
    page = costs(a_sweep(trials))
    assert "Pruned trials would have taken 1m 40s more to their ends." in page
    assert "Trials ended by fit.patience would have taken 3m 20s more to their ends." in page


@pytest.mark.parametrize(("gap", "told"), [(10, False), (3600, True)])
def test_the_time_between_trials_is_none_of_the_search(gap: int, told: bool) -> None:
    """Two that overlap for half a minute, and a third one after a pause."""
    starts = (0, 30, 90 + gap)
    trials = [a_trial(at, started=BEGAN + timedelta(seconds=start), seconds=60.0) for at, start in enumerate(starts)]
    page = costs(a_sweep(trials))
    assert "Trials were trained for 2m 30s, and took 3m 00s together: 1.2 at a time." in page
    whole = "From the first one&#x27;s beginning to the last one&#x27;s end 1h 02m went by"
    assert (whole in page) is told


def best_number(trace: dict[str, Any]) -> int:
    return int(trace["name"].split(",")[0].removeprefix("trial "))


def test_long_curves_are_thinned_and_keep_their_ends() -> None:
    long = a_trial(0, intermediate={step: step / 1000 for step in range(1000)})
    best = drawn(curves(a_sweep([long])))[-1]
    assert (len(best["x"]), best["x"][0], best["x"][-1]) == (MOST_POINTS, 0, 999)


def test_parameters_of_some_trials_have_a_place_for_the_others() -> None:
    """Numbers in their order, and under them those without."""
    trials = [a_trial(at, params={"method.r": 10**at} if at else {}) for at in range(4)]
    (trace,) = drawn(parallel(a_sweep(trials), ["method.r"]))
    _, side = trace["dimensions"]
    assert side["ticktext"][0] == "not set"
    assert side["values"][0] == side["tickvals"][0] < min(side["values"][1:])
    assert side["values"][1:] == [10.0, 100.0, 1000.0]


def test_choices_of_numbers_are_in_their_order() -> None:
    """Not in that of their texts."""
    trials = [a_trial(at, params={"fit.batch_size": size}) for at, size in enumerate((8, 16, 32, 8))]
    (trace,) = drawn(parallel(a_sweep(trials), ["fit.batch_size"]))
    assert trace["dimensions"][1]["ticktext"] == ["8", "16", "32"]


def test_rungs_are_where_trials_were_pruned() -> None:
    """Who came, who went on, who was pruned."""
    trials = [a_trial(0), a_trial(1, TrialState.pruned), a_trial(2, TrialState.pruned)]
    first, second = rungs_of(trials)
    assert (first.examples, [one for one, _ in first.pruned], [one for one, _ in first.passed]) == (400, [2], [0, 1])
    assert (second.examples, [one for one, _ in second.pruned], [one for one, _ in second.passed]) == (800, [1], [0])


def test_the_front_of_one_objective_is_of_score_and_time() -> None:
    """A slower and worse trial is not on it."""
    scores = [(0.9, 30.0), (0.8, 10.0), (0.7, 20.0)]
    trials = [a_trial(at, values=(score,), seconds=took) for at, (score, took) in enumerate(scores)]
    front = next(trace for trace in drawn(pareto_points(a_sweep(trials))) if trace["name"] == "Pareto front")
    assert front["customdata"] == [1, 0]


def test_finalists_have_mean_and_spread_over_their_seeds() -> None:
    """Failed reruns are counted, and have no score."""
    failed = a_trial(3, TrialState.failed, objective=None, attrs={"of_trial": 0})
    sweep = a_sweep([a_trial(0, objective=0.5)], reruns=[a_rerun(0, 0.7), failed])
    (found,) = sweep.finalists()
    assert (found.scores, found.mean, found.failed) == ([0.5, 0.7], pytest.approx(0.6), 1)
    assert found.spread == pytest.approx(0.1414, abs=1e-4)
    assert drawn(seeds(sweep, [found]))[1]["y"] == [pytest.approx(0.6)]


def test_slices_have_an_axis_a_parameter() -> None:
    """A choice by its texts, a logarithmic range by its ticks."""
    figure = slices(a_sweep(some_trials(6)), ["fit.learning_rate", "fit.schedule"])
    assert figure is not None
    assert figure.layout["xaxis"]["type"] == "log"
    assert figure.layout["xaxis2"]["categoryarray"] == ["linear", "cosine"]


def test_the_contour_is_a_mean_of_trials_near_by() -> None:
    """Within what they scored."""
    sweep = a_sweep(some_trials(30))
    field, points = drawn(contour(sweep, ["fit.learning_rate", "method.r"], is_ranked=True))
    scores = [score for _, score in points["customdata"]]
    assert min(scores) <= min(map(min, field["z"]))
    assert max(map(max, field["z"])) <= max(scores)


def test_figures_of_nothing_are_left_out() -> None:
    empty = a_sweep([])
    assert [
        curves(empty),
        parallel(empty, []),
        slices(empty, []),
        contour(empty, [], is_ranked=False),
        pareto_points(empty),
    ] == [None] * 5


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(5e-4, 5e-3, [5e-4, 1e-3, 2e-3, 5e-3]), (1e-5, 1e-1, [1e-5, 1e-4, 1e-3, 1e-2, 1e-1]), (3.0, 4.0, [])],
)
def test_ticks_of_a_logarithm_are_round(low: float, high: float, ticks: list[float]) -> None:
    found = axis("x", FloatRange(low, high, log=True))
    assert found.get("tickvals", []) == pytest.approx(ticks)


def test_texts_of_choices_are_no_markup() -> None:
    """Plotly reads some tags."""
    assert axis("x", Choice(("<b>", None)))["categoryarray"] == ["&lt;b&gt;", "none"]
