import io
import threading

import pytest
from rich.console import Console

from slimtune.sweeper.reporting import stage_lines
from slimtune.sweeper.reporting.stage_lines import StageLines, progress_of, stages_shown
from slimtune.training.stages import Stage, told_stage


def shown(*, terminal: bool) -> str:
    text = io.StringIO()
    with stages_shown(Console(file=text, force_terminal=terminal, width=100)), told_stage("reads rows.csv") as one:
        one.advance(7)
    return text.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_what_is_quick_is_not_shown(terminal: bool) -> None:
    assert shown(terminal=terminal) == ""


@pytest.mark.parametrize("terminal", [True, False])
def test_what_took_long_has_a_line(monkeypatch: pytest.MonkeyPatch, terminal: bool) -> None:
    """With its rows."""
    monkeypatch.setattr(Stage, "seconds", lambda _: 7.2)
    assert shown(terminal=terminal) == "reads rows.csv: 7 rows, 7 s\n"


def test_progress_says_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stage, "seconds", lambda _: 7.2)
    assert progress_of(Stage("reads", None, 1200)) == "reads: 1,200 rows so far, 7 s"
    assert progress_of(Stage("tokenizes", 3000)) == "tokenizes: 3,000 rows, 7 s"
    assert progress_of(Stage("tokenizes", 3000, 1000)) == "tokenizes: 1,000 of 3,000 rows, 7 s"
    assert progress_of(Stage("splits")) == "splits: 7 s"


@pytest.mark.parametrize("terminal", [True, False])
def test_what_lasts_is_told_before_its_end(monkeypatch: pytest.MonkeyPatch, terminal: bool) -> None:
    """On a terminal by a line that is gone at the end, elsewhere by one that stays."""
    monkeypatch.setattr(stage_lines, "TOLD_SECONDS", 0.0)
    monkeypatch.setattr(stage_lines, "SILENT_SECONDS", 0.0)
    monkeypatch.setattr(Stage, "seconds", lambda _: 7.2)
    is_told, show, text = threading.Event(), StageLines._show, io.StringIO()

    def show_and_say(lines: StageLines, stage: Stage) -> None:
        show(lines, stage)
        is_told.set()

    monkeypatch.setattr(StageLines, "_show", show_and_say)
    lines, stage = StageLines(Console(file=text, force_terminal=terminal, width=100)), Stage("reads", 9)
    lines.begun(stage)
    assert is_told.wait(60)
    assert terminal or text.getvalue() == "reads: 9 rows, 7 s\n"
    assert (lines._live is not None) is terminal
    lines.ended(stage)
    assert lines._live is None
    assert text.getvalue().endswith("reads: 9 rows, 7 s\n")
