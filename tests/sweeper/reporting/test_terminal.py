import io
import math
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from slimtune.sweeper.finalist import Finalist, Run
from slimtune.sweeper.goals.goals import Goals, Objective
from slimtune.sweeper.reporting.terminal import pareto_table, print_registered, print_test, print_trials, print_winner
from slimtune.sweeper.study.record import ENDED_BY, TrialState
from slimtune.training.fitted_table import print_table
from tests.sweeper.report_page.sweeps import a_trial

RUNS = ((0.75, 0.75), (0.5,))


@pytest.mark.parametrize(
    ("name", "told"), [("chrf", "chrf 86.3600 of 100 (80.0000"), ("rouge1", "rouge1 86.3600 (80.0000")]
)
def test_a_score_that_goes_up_to_100_says_so(name: str, told: str) -> None:
    """It stands beside others that go up to 1."""
    text = io.StringIO()
    scores = {name: {"value": 86.36, "low": 80.0, "high": 90.0}}
    print_test(Console(file=text, width=200), {"num_rows": 22, "scores": scores})
    assert told in text.getvalue()


def test_how_trials_ended_is_told_by_their_own_words() -> None:
    """What ended by itself is complete, and neither pruned nor at its training's end."""
    text = io.StringIO()
    early = [a_trial(at, attrs={ENDED_BY: "fit.patience"}) for at in range(2)]
    print_trials(Console(file=text, width=200), [*early, a_trial(2), a_trial(3, TrialState.pruned)])
    assert text.getvalue().strip() == "4 trials: 3 complete (2 ended by fit.patience), 1 pruned"


def test_a_score_without_an_interval_says_so() -> None:
    """As a perfect one has none."""
    text = io.StringIO()
    scores = {"accuracy": {"value": 1.0, "low": math.nan, "high": math.nan}}
    print_test(Console(file=text, width=200), {"num_rows": 13, "scores": scores})
    assert text.getvalue().strip().endswith("accuracy 1.0000 (no interval)")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"trials": [0]}, "read once"),
        ({"readings": 2, "trials": [0, 1]}, "read 2 times, each time for another winner"),
        ({"readings": 2, "trials": [3, 3]}, "read 2 times, each time for another checkpoint of trial 3"),
        ({"readings": 3, "trials": [0, 1, 0]}, "read 3 times, for checkpoints of trials 0 and 1"),
        ({"readings": 2}, "read 2 times, each time for another checkpoint"),
    ],
)
def test_a_second_reading_of_the_test_rows_is_told(more: dict[str, Any], told: str) -> None:
    """More trials brought another winner, or more seeds another run of the same one."""
    text = io.StringIO()
    print_test(Console(file=text, width=200), {"num_rows": 22, "scores": {}, **more})
    assert text.getvalue().startswith(f"test, {told}, 22 rows")


@pytest.mark.parametrize(("maximize", "order"), [(True, "2 1 0"), (False, "2 0 1")])
def test_the_winner_stands_first_and_the_next_best_behind_it(*, maximize: bool, order: str) -> None:
    """The search may have had them in another order."""
    text = io.StringIO()
    finalists = [Finalist(at, {}, [Run(score, Path("c"), None)]) for at, score in enumerate([0.1, 0.3, 0.2])]
    goals = Goals((Objective("accuracy", maximize=maximize),))
    print_winner(Console(file=text, width=120), finalists, finalists[2], goals=goals)
    rows = [line.split()[0] for line in text.getvalue().splitlines() if line.strip()[:1].isdigit()]
    assert " ".join(rows) == order


def test_large_numbers_are_written_out() -> None:
    """As in the tables below."""
    text = io.StringIO()
    goals = Goals((Objective("accuracy", maximize=True), Objective("parameters", maximize=False)))
    run = Run(0.5, Path("c"), None, measured={"accuracy": 0.5, "parameters": 1_269_124.0})
    finalist = Finalist(0, {}, [run])
    print_winner(Console(file=text, width=120), [finalist], finalist, goals=goals)
    assert "1,269,124" in text.getvalue()


def test_a_finalist_of_one_seed_has_no_spread() -> None:
    """Nothing was measured; and what is doubtful of the winner stands below the table."""
    text = io.StringIO()
    finalists = [Finalist(at, {}, [Run(score, Path("c"), None) for score in scores]) for at, scores in enumerate(RUNS)]
    print_winner(Console(file=text, width=120), finalists, finalists[0], goals=Goals(), doubt="Within noise: a tie")
    rows = [line.split() for line in text.getvalue().splitlines()]
    assert [row[3] for row in rows if row[:1] == ["0"]] == ["0.0000"]
    assert [row[2] for row in rows if row[:1] == ["1"]] == ["-"]
    assert text.getvalue().splitlines()[-1] == "Within noise: a tie"


def test_the_picked_one_of_a_pareto_set_is_no_exported_one() -> None:
    """Which it need not become: `export=none`."""
    text = io.StringIO()
    goals = Goals((Objective("accuracy", maximize=True), Objective("parameters", maximize=False)))
    print_table(Console(file=text, width=120), pareto_table([a_trial(0), a_trial(1)], 1, goals=goals))
    assert "* picked" in text.getvalue()
    assert "export" not in text.getvalue()
    assert "1 *" in text.getvalue()


def test_a_version_is_told_with_the_reason_of_the_gate() -> None:
    """Behind a colon: reasons may have brackets."""
    text = io.StringIO()
    reason = "min_gain refuses it: gain -0.1 (-0.2 to 0.0): worse"
    registered = {"name": "mine", "version": "1", "alias": None, "reason": reason}
    print_registered(Console(file=text, width=120), registered)
    assert text.getvalue() == f"registered: mine version 1, no alias: {reason}\n"


def test_a_picked_one_outside_of_the_set_is_told_with_the_reason() -> None:
    """It is chosen by means over seeds, and the table has what the search gave."""
    text = io.StringIO()
    goals = Goals((Objective("accuracy", maximize=True), Objective("parameters", maximize=False)))
    print_table(Console(file=text, width=200), pareto_table([a_trial(0), a_trial(1)], 2, goals=goals))
    assert "picked: trial 2, which is one of the best by its means over seeds" in text.getvalue()
    assert "*" not in text.getvalue()
