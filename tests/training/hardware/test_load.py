"""What other processes take is told from what this one and its children do."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from slimtune.training.hardware import load
from slimtune.training.hardware.load import OthersLoad
from slimtune.training.hardware.threads import MAX_CORES, at_most, free_cores

FOREVER = "while True: pass"


class Times:
    """Of two cores, of which others use the second one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock, self.own, self.others = 0.0, 0.0, 0.0
        self.kind = type(psutil.cpu_times())
        monkeypatch.setattr(load.time, "monotonic", lambda: self.clock)
        monkeypatch.setattr(load.time, "sleep", self.run)
        monkeypatch.setattr(load.psutil, "cpu_times", self.every)
        monkeypatch.setattr(load, "_used", lambda _: 0.0)

    def run(self, seconds: float) -> None:
        self.clock += seconds
        self.others += 0.8 * seconds

    def every(self, *, percpu: bool) -> list[object]:
        assert percpu
        blank = dict.fromkeys(self.kind._fields, 0.0) | {"iowait": 5.0}
        used = (self.own, self.others)
        return [self.kind(**(blank | {"user": one, "idle": self.clock - one})) for one in used]


def test_busy_cores_less_what_this_process_did(monkeypatch: pytest.MonkeyPatch) -> None:
    times = Times(monkeypatch)
    meter = OthersLoad()
    before = meter._began.own
    times.run(10.0)
    times.own = 7.0
    monkeypatch.setattr(meter, "_own", lambda: before + 7.0)
    monkeypatch.setattr(meter._process, "cpu_affinity", lambda: [0, 1])
    assert meter.cores() == pytest.approx(0.8)
    monkeypatch.setattr(meter._process, "cpu_affinity", lambda: [0])
    assert meter.cores() == pytest.approx(0.0)


def test_a_moment_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    times = Times(monkeypatch)
    meter = OthersLoad()
    meter.cores()
    assert times.clock == pytest.approx(load.MIN_SECONDS)


@contextmanager
def spinning() -> Iterator[None]:
    with subprocess.Popen([sys.executable, "-c", FOREVER]) as process:
        try:
            yield
        finally:
            process.kill()


def test_a_child_is_no_other_process() -> None:
    """Its time counts as this process' own, whatever it is."""
    meter = OthersLoad()
    own = meter._own()
    with spinning():
        until = time.monotonic() + 30.0
        while meter._own() < own + 0.2 and time.monotonic() < until:
            time.sleep(0.05)
        assert meter._own() >= own + 0.2


def test_within_a_limit_no_more_cores_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MAX_CORES, raising=False)
    every = free_cores()
    with at_most(1):
        assert free_cores() == 1
        with at_most(every + 1):
            assert free_cores() == 1
    assert free_cores() == every
    with at_most(None):
        assert MAX_CORES not in os.environ
