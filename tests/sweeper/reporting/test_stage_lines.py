import io

import pytest
from rich.console import Console

from slimtune.sweeper.reporting import stage_lines
from slimtune.sweeper.reporting.stage_lines import progress_of, stages_shown
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
    assert stage_lines.SILENT_SECONDS > 0
