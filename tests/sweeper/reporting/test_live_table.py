import re
from datetime import datetime
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from slimtune.sweeper.goals.goals import Goals
from slimtune.sweeper.report_page.leaderboard import leaderboard
from slimtune.sweeper.reporting.compared_table import compared_table
from slimtune.sweeper.reporting.live_table import LiveTable, _line, chosen_rows, duration, seconds_left, trial_table
from slimtune.sweeper.reporting.trial_rows import TrialRow
from slimtune.sweeper.study import TrialRecord, TrialState
from slimtune.sweeper.study.record import ENDED_BY
from tests.sweeper.report_page.sweeps import a_sweep


def make(number: int, state: TrialState, *, objective: float | None = None, seconds: float = 10.0) -> TrialRecord:
    return TrialRecord(
        number=number,
        state=state,
        kind="diverged" if state is TrialState.failed else None,
        objective=objective,
        params={"fit.learning_rate": 0.00123456, "method.r": 8},
        run_id=None,
        started=datetime(2026, 1, 1),
        seconds=seconds,
        progress=0.5,
        intermediate={},
        attrs={},
    )


def test_the_table_shows_state_parameters_score_and_the_best() -> None:
    trials = [make(0, TrialState.complete, objective=0.75), make(1, TrialState.failed), make(2, TrialState.running)]
    console = Console(file=StringIO(), width=100)
    console.print(trial_table(trials, best_number=0, title="sweep s"))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "learning_rate" in text
    assert "0.00123" in text
    assert "0.7500 *" in text
    assert "diverged" in text
    assert "50%" in text


def test_what_ended_a_trial_early_is_said_wherever_it_stands() -> None:
    """In its line, in the tables and on the page."""
    early = make(0, TrialState.complete, objective=0.75)._replace(attrs={ENDED_BY: "fit.patience"})
    assert _line(early, []).startswith("trial 0: complete (ended by fit.patience at 50%)  score 0.7500")
    console = Console(file=StringIO(), width=120)
    console.print(trial_table([early], best_number=0, title="sweep s"))
    rows = [TrialRow("s", early)]
    console.print(compared_table(rows, title="compared", best={"s": 0}, numbers=[], more=[]))
    assert console.file.getvalue().count("50%  fit.patience") == 2  # type: ignore[attr-defined]
    assert "50%, fit.patience" in leaderboard(a_sweep([early]))
    assert _line(make(1, TrialState.complete), []).startswith("trial 1: complete  score")


@pytest.mark.parametrize("width", [64, 72, 80, 90, 120])
def test_why_a_trial_ended_early_is_kept_before_its_parameters(width: int) -> None:
    """Every column that has no room is named."""
    params = {"fit.learning_rate": 0.00123, "fit.batch_size": 16, "method.r": 8}
    early = make(0, TrialState.complete, objective=0.75)._replace(
        params=params, intermediate={1: 0.5, 2: 0.75}, attrs={ENDED_BY: "fit.patience"}
    )
    file = StringIO()
    console = Console(file=file, width=width, height=40, force_terminal=True, color_system=None)
    console.print(trial_table([early], best_number=0, title="sweep s", curves=True))
    lines = file.getvalue().splitlines()
    names = ["state", "learning_rate", "batch_size", "r", "score", "trained", "ended by", "time", "curve"]
    head, told = re.split(r"\s{2,}", lines[1]), lines[-1].partition("no room in this width for: ")[2]
    assert told == ", ".join(name for name in names if name not in head)
    assert "fit.patience" in lines[2]
    assert "10s" in lines[2].split()


def test_several_objectives_have_a_column_each() -> None:
    """What breaks a constraint is called so."""
    attrs = {"costs": {"size_mb": 90.86}, "result": {"validation/accuracy": 0.75}}
    kept = make(0, TrialState.complete, objective=0.75)._replace(attrs=attrs)
    large = make(1, TrialState.pruned)._replace(attrs={"costs": {"size_mb": 12345.6}}, excess={"size_mb": 0.1})
    console = Console(file=StringIO(), width=100)
    console.print(trial_table([kept, large], best_number=0, title="sweep s", names=["accuracy", "size_mb"]))
    _, head, first, second, _ = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert head.split()[-4:] == ["accuracy", "size_mb", "trained", "time"]
    assert first.split()[-5:-2] == ["0.7500", "*", "90.86"]
    assert second.split()[1:2] + second.split()[-4:-2] == ["infeasible", "-", "12,346"]


def test_the_best_trial_is_always_among_the_rows() -> None:
    trials = [make(number, TrialState.complete, objective=0.1) for number in range(9)]
    assert [trial.number for trial in chosen_rows(trials, 3, 1)] == [1, 7, 8]
    assert [trial.number for trial in chosen_rows(trials, 3, 8)] == [6, 7, 8]


def test_time_left_goes_by_the_finished_trials() -> None:
    """Two workers take half as long."""
    trials = [make(0, TrialState.complete), make(1, TrialState.pruned), make(2, TrialState.running)]
    assert seconds_left(trials, 6) == pytest.approx(40.0)
    assert seconds_left([*trials, make(3, TrialState.running)], 6) == pytest.approx(20.0)
    assert seconds_left([make(0, TrialState.running)], 6) is None


@pytest.mark.parametrize(("seconds", "text"), [(None, ""), (9.6, "10s"), (200, "3m 20s"), (7500, "2h 05m")])
def test_durations_read_well(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("width", "has_curves"), [(80, False), (160, True)])
def test_curves_are_shown_where_there_is_room(width: int, has_curves: bool) -> None:
    """Numbers come first; the scores so far are a line of blocks, and what is left is told."""
    params = {"fit.learning_rate": 0.00123, "fit.batch_size": 16, "method.r": 8, "fit.weight_decay": 0.01}
    trials = [
        make(at, TrialState.complete, objective=at / 4)._replace(
            params=params, intermediate={step: at / 4 * step / 12 for step in range(1, 13)}
        )
        for at in range(3)
    ]
    spec = SimpleNamespace(goals=Goals(), enqueued_only=False)
    study: Any = SimpleNamespace(
        spec=spec, shown=lambda: trials, ranked=lambda: trials[::-1], pareto=list, num_places=lambda: 6
    )
    file = StringIO()
    console = Console(file=file, width=width, height=40, force_terminal=True, color_system=None)
    table = LiveTable(study, "sweep s", console)
    console.print(table._picture(trials, trials))
    text = file.getvalue()
    assert any(line.split()[-1:] == ["curve"] for line in text.splitlines()[:2]) is has_curves
    assert ("no room in this width for: weight_decay, curve" in text) is not has_curves
    assert "scores ▁▅█" in text
    assert "best 0.5000 (trial 2), about 30s of the search left" in text
    assert max(map(len, text.splitlines())) <= width


def test_reruns_are_called_by_their_names() -> None:
    """Numbers of theirs are none of the search's trials."""
    rerun = make(0, TrialState.complete, objective=0.75)._replace(attrs={"name": "t05 seed 1"})
    shown: list[TrialRecord] = []
    study: Any = SimpleNamespace(
        spec=SimpleNamespace(goals=Goals(), enqueued_only=True),
        shown=lambda: shown,
        ranked=lambda: shown,
        num_places=lambda: 2,
    )
    table = LiveTable(study, "the best again", Console(file=StringIO()))
    assert table._summary([], []) == "no rerun completed yet"
    shown.append(rerun)
    assert table._summary(shown, shown) == "best 0.7500 (t05 seed 1), about 10s of the reruns left"


def test_how_far_a_trial_is_before_its_first_evaluation_is_not_known() -> None:
    """A share of nothing would say that it stands still."""
    trials = [make(0, TrialState.running)._replace(progress=0.0), make(1, TrialState.running)]
    assert [trial.trained_share for trial in trials] == ["-", "50%"]
    console = Console(file=StringIO(), width=100)
    console.print(trial_table(trials, best_number=None, title="sweep s"))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "50%" in text
    assert " 0%" not in text


@pytest.mark.parametrize("width", [30, 40, 50, 60, 80, 100, 160])
@pytest.mark.parametrize("names", [["accuracy"], ["accuracy", "size_mb"]])
def test_parameters_give_way_before_state_scores_and_time(width: int, names: list[str]) -> None:
    """The last one first; and alike in the table of a running sweep and in `slimtune compare`."""
    params = {"method": "lora", "fit.learning_rate": 0.00123, "fit.schedule": "cosine", "fit.warmup_share": 0.213}
    trial = make(0, TrialState.complete, objective=0.75)._replace(params=params, intermediate={1: 0.5, 2: 0.75})
    tables = (
        trial_table([trial], best_number=0, title="s", names=names, curves=True),
        compared_table([TrialRow("s", trial)], title="s", best={"s": 0}, numbers=names, more=[]),
    )
    last_to_go = ["trial", *names[:1], "state", *names[1:], "trained", "time", *(key.split(".")[-1] for key in params)]
    for table in tables:
        file = StringIO()
        Console(file=file, width=width, force_terminal=True, color_system=None).print(table)
        lines = file.getvalue().splitlines()
        left_out = " ".join(lines).partition("no room in this width for: ")[2].split(", ")
        shown = [name for name in last_to_go if name not in left_out]
        assert set(lines[1].split()) - {"curve"} == set(shown)
        others = [name for name in shown if name in ("state", *names, "trained", "time")]
        assert len(others) == len(names) + 3 or not set(shown) & {key.split(".")[-1] for key in params}
        if width >= 60:
            assert len(others) == len(names) + 3
