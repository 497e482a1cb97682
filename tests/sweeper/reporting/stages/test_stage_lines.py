import io
import threading

import pytest
from rich.console import Console

from slimtune.sweeper.reporting.stages import stage_lines
from slimtune.sweeper.reporting.stages.stage_lines import StageLines, print_line, stages_shown
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


@pytest.mark.parametrize("terminal", [True, False])
def test_what_is_not_of_rows_has_none(monkeypatch: pytest.MonkeyPatch, terminal: bool) -> None:
    monkeypatch.setattr(Stage, "seconds", lambda _: 7.2)
    text = io.StringIO()
    with stages_shown(Console(file=text, force_terminal=terminal, width=100)), told_stage("draws the page"):
        pass
    assert text.getvalue() == "draws the page: 7 s\n"


def test_what_lasts_is_told_before_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a line that is gone at the end."""
    monkeypatch.setattr(stage_lines, "TOLD_SECONDS", 0.0)
    monkeypatch.setattr(Stage, "seconds", lambda _: 7.2)
    is_told, show, text = threading.Event(), StageLines._show, io.StringIO()

    def show_and_say(lines: StageLines, stage: Stage) -> None:
        show(lines, stage)
        is_told.set()

    monkeypatch.setattr(StageLines, "_show", show_and_say)
    lines, stage = StageLines(Console(file=text, force_terminal=True, width=100)), Stage("reads", 9)
    lines.begun(stage)
    assert is_told.wait(60)
    assert lines._live is not None
    lines.ended(stage)
    assert lines._live is None
    assert text.getvalue().endswith("reads: 9 rows, 7 s\n")


@pytest.mark.parametrize(
    ("is_terminal", "line", "lines"),
    [
        (True, "searched: fit.learning_rate 0.0005 to 0.005", ["searched: fit.learning_rate", "0.0005 to 0.005"]),
        (True, "  serve it  mlflow models serve --port 5001", ["  serve it  mlflow models serve --port 5001"]),
        (False, "searched: fit.learning_rate 0.0005 to 0.005", ["searched: fit.learning_rate 0.0005 to 0.005"]),
    ],
)
def test_sentences_are_broken_at_blanks_on_a_terminal_alone(is_terminal: bool, line: str, lines: list[str]) -> None:
    """What is there to be copied stays whole."""
    text = io.StringIO()
    print_line(Console(file=text, force_terminal=is_terminal, width=32), line)
    assert [one.rstrip() for one in text.getvalue().splitlines()] == lines
