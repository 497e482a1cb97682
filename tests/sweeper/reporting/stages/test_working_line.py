"""While a command says nothing, a terminal shows that it is at work."""

import io
import sys
import time
from collections.abc import Callable

import pytest

from slimtune.sweeper.reporting.stages.working_line import ERASE, WorkingLine, shown_at_work
from slimtune.training.stages import Stage, stages_told_to, told_stage


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def waited_for(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_silence_is_told_and_what_is_written_stands_alone() -> None:
    terminal = Terminal()
    line = WorkingLine("report", terminal, by_stages=False, silent_seconds=0.01)
    line.start()
    waited_for(lambda: "slimtune report: at work" in terminal.getvalue())
    line.hush()
    assert terminal.getvalue().endswith(ERASE)
    line.stop()
    assert terminal.getvalue().endswith(ERASE)


def test_a_stage_is_told_by_its_name() -> None:
    """The innermost one, with its rows."""
    line = WorkingLine("evaluate", Terminal(), by_stages=False)
    with stages_told_to(line), told_stage("outer"):
        with told_stage("scores", 12):
            assert line.told() == "slimtune evaluate: scores: 12 rows, 0 s"
        assert line.told() == "slimtune evaluate: outer: 0 s"


def test_what_has_displays_of_its_own_is_left_alone_between_stages() -> None:
    """Once it has said something: a table that is drawn anew would be spoiled."""
    terminal = Terminal()
    line = WorkingLine("sweep", terminal, by_stages=True, silent_seconds=0.01)
    line.hush()
    line.start()
    time.sleep(0.2)
    assert terminal.getvalue() == ""
    line.begun(stage := Stage("traces the graph"))
    waited_for(lambda: "traces the graph" in terminal.getvalue())
    line.ended(stage)
    line.stop()


@pytest.mark.parametrize("errors", [io.StringIO(), Terminal()])
def test_where_no_line_can_be_erased_each_stage_has_one(monkeypatch: pytest.MonkeyPatch, errors: io.StringIO) -> None:
    """In a pipe, in a log, and on a terminal of such a kind: on standard error, whatever is printed stays as it is."""
    monkeypatch.setattr(sys, "stderr", errors)
    monkeypatch.setattr(sys, "stdout", output := io.StringIO())
    monkeypatch.setenv("TERM", "dumb")
    with shown_at_work("export", by_stages=False):
        assert (sys.stdout, sys.stderr) == (output, errors)
        with told_stage("quick"):
            pass
        monkeypatch.setattr(Stage, "seconds", lambda _: 12.0)
        with told_stage("times the variants", 5, unit="variants"):
            pass
    assert errors.getvalue() == "slimtune export: times the variants: 5 variants, 12 s\n"
    assert output.getvalue() == ""


def test_on_a_terminal_all_that_is_written_takes_the_line_away(monkeypatch: pytest.MonkeyPatch) -> None:
    output, errors = Terminal(), Terminal()
    monkeypatch.setattr(sys, "stdout", output)
    monkeypatch.setattr(sys, "stderr", errors)
    monkeypatch.setenv("TERM", "xterm")
    with shown_at_work("report", by_stages=False):
        print("a line")
        sys.stderr.writelines(["two\n"])
        assert sys.stdout.isatty()
    assert (sys.stdout, sys.stderr) == (output, errors)
    assert (output.getvalue(), errors.getvalue()) == ("a line\n", "two\n")
