"""A log is told of stages by whole lines, of which there are few."""

import os
import time
from collections.abc import Callable

import pytest

from slimtune.sweeper.reporting.stages import stage_log
from slimtune.sweeper.reporting.stages.stage_log import StageLog, gap_seconds
from slimtune.training.stages import Stage, stages_told_to, told_stage


def waited_for(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_stage_has_a_line_at_its_end_if_it_took_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """With how much was done."""
    told: list[str] = []
    with stages_told_to(StageLog(told.append)):
        with told_stage("quick"):
            pass
        monkeypatch.setattr(Stage, "seconds", lambda _: 12.0)
        with told_stage("outer"), told_stage("times the variants", 5, unit="variants"):
            pass
    assert told == ["times the variants: 5 variants, 12 s", "outer: 12 s"]


def test_what_lasts_is_told_before_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The innermost stage alone, with how far it has come."""
    monkeypatch.setattr(stage_log, "LEAST_SECONDS", 0.01)
    monkeypatch.setattr(stage_log, "MOST_SECONDS", 0.01)
    told: list[str] = []
    log, outer, inner = StageLog(told.append), Stage("outer"), Stage("times", 5, 2, unit="variants")
    log.begun(outer)
    waited_for(lambda: "outer: 0 s" in told)
    log.begun(inner)
    told.clear()
    waited_for(lambda: "times: 2 of 5 variants, 0 s" in told)
    told.clear()
    waited_for(lambda: len(told) > 3)
    assert set(told) == {"times: 2 of 5 variants, 0 s"}
    log.ended(inner)
    log.ended(outer)


def test_an_end_that_was_told_already_is_not_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    gaps = iter([0.01])
    monkeypatch.setattr(stage_log, "gap_seconds", lambda _: next(gaps, 100.0))
    monkeypatch.setattr(Stage, "seconds", lambda _: 12.0)
    told: list[str] = []
    log, stage = StageLog(told.append), Stage("scores", 36)
    log.begun(stage)
    waited_for(lambda: told)
    log.ended(stage)
    assert told == ["scores: 36 rows, 12 s"]


def test_lines_of_a_long_stage_become_seldom() -> None:
    """Ten seconds apart at first, and never more than ten minutes: a night has some sixty."""
    seconds, lines = 0.0, 0
    while seconds < 8 * 3600:
        gap = gap_seconds(seconds)
        assert 10 <= gap <= 600
        seconds, lines = seconds + gap, lines + 1
    assert 20 < lines < 80


def test_a_forked_process_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lines would stand between those of the command."""
    told: list[str] = []
    log, stage = StageLog(told.append), Stage("reads")
    monkeypatch.setattr(os, "getpid", lambda: -1)
    monkeypatch.setattr(Stage, "seconds", lambda _: 12.0)
    log.begun(stage)
    log.ended(stage)
    assert told == []
