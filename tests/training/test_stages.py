import logging
from contextlib import suppress

import pytest

from slimtune.training import stages
from slimtune.training.stages import Stage, stages_told_to, told_stage


class Heard:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []

    def begun(self, stage: Stage) -> None:
        self.told.append((f"begins: {stage.what}", stage.done))

    def ended(self, stage: Stage) -> None:
        self.told.append((f"ends: {stage.what}", stage.done))


def test_a_stage_is_told_at_its_begin_and_end(caplog: pytest.LogCaptureFixture) -> None:
    """Also where it fails; outside of the block nobody listens. The log has those alone that took long."""
    caplog.set_level(logging.INFO)
    heard = Heard()
    with stages_told_to(heard), suppress(ValueError), told_stage("reads", 3) as one:
        one.advance(2)
        raise ValueError("broken")
    with told_stage("unheard"):
        pass
    assert heard.told == [("begins: reads", 0), ("ends: reads", 2)]
    assert caplog.messages == []


def test_what_took_long_stands_in_the_log(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(stages, "TOLD_SECONDS", 0.0)
    with told_stage("reads") as one:
        one.advance(7)
    assert caplog.messages[0].startswith("reads: 7 rows in ")


def test_progress_says_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stage, "seconds", lambda _: 7.2)
    assert Stage("reads", None, 1200).progress() == "reads: 1,200 rows so far, 7 s"
    assert Stage("tokenizes", 3000).progress() == "tokenizes: 3,000 rows, 7 s"
    assert Stage("tokenizes", 3000, 1000).progress() == "tokenizes: 1,000 of 3,000 rows, 7 s"
    assert Stage("splits").progress() == "splits: 7 s"
    assert Stage("times", 5, 3, unit="variants").progress() == "times: 3 of 5 variants, 7 s"
    assert Stage("times", 5, 3, unit="variants").outcome() == "times: 5 variants, 7 s"
    assert Stage("times", 1, unit="variants").outcome() == "times: 1 variant, 7 s"
    assert Stage("splits").outcome() == "splits: 7 s"
