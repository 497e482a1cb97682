"""What is written again while trials run."""

import threading
from typing import cast

import pytest

from slimtune.sweeper.report_page import refresh
from slimtune.sweeper.reporting.refreshed import Refreshed
from slimtune.sweeper.study.study_reading import StudyReading


class Ending:
    """A study of which more trials have ended each time it is looked at."""

    def __init__(self, step: int) -> None:
        self.ended, self._step = 0, step

    def shown(self) -> list["Ending"]:
        self.ended += self._step
        return [self] * self.ended

    finished = True


@pytest.mark.parametrize(("step", "is_written"), [(5, True), (0, False)])
def test_pages_come_every_few_trials(step: int, is_written: bool) -> None:
    """And not while none ends."""
    rhythm = refresh.RHYTHM._replace(least_seconds=0.01, look_seconds=0.01)
    written = threading.Event()
    with Refreshed(cast(StudyReading, Ending(step)), written.set, rhythm, what="the page"):
        assert written.wait(5.0 if is_written else 0.2) is is_written


def test_writing_takes_a_hundredth_of_the_time() -> None:
    """However long a page takes."""
    assert refresh.RHYTHM.pause_after(3.0) == pytest.approx(300.0)
    assert refresh.RHYTHM.pause_after(0.01) == 60.0


def test_a_storage_that_is_locked_is_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    """Its thread goes on."""

    class Locked(Ending):
        is_locked = False

        def shown(self) -> list["Ending"]:
            if self.is_locked:
                self.is_locked = False
                raise OSError("database is locked")
            return super().shown()

    study, written = Locked(5), threading.Event()
    rhythm = refresh.RHYTHM._replace(least_seconds=0.01, look_seconds=0.01)
    shown = Refreshed(cast(StudyReading, study), written.set, rhythm, what="the sweep's description")
    study.is_locked = True
    with shown:
        assert written.wait(5.0)
    assert "the sweep's description waits (OSError: database is locked)" in caplog.text
