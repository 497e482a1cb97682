"""Workers that no thread of their own could end."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import pytest

from slimtune.sweeper.search_config import TrialLimits
from slimtune.sweeper.study import lease
from slimtune.sweeper.study.lease import LEASE_PREFIX
from slimtune.sweeper.study.liveness import frozen
from slimtune.sweeper.study.liveness.frozen import FrozenWorkers

SLEEPS = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]


class Leases:
    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def set_attr(self, key: str, value: Any) -> None:
        self.values[key] = value

    def attrs(self) -> Mapping[str, Any]:
        return dict(self.values)

    def renew(self, pid: int) -> None:
        own = {"host": socket.gethostname(), "pid": pid, "born": lease._born(pid), "renewed_at": time.time()}
        self.set_attr(f"{LEASE_PREFIX}worker-{pid}", own)


@pytest.fixture
def worker() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(SLEEPS) as process:
        yield process
        with suppress(ProcessLookupError):
            process.kill()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frozen, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(frozen, "FROZEN_SECONDS", 0.3)


def test_a_worker_that_shows_no_life_is_killed(worker: subprocess.Popen[bytes]) -> None:
    """Suspended, it could not hear anything else."""
    leases = Leases()
    leases.renew(worker.pid)
    os.kill(worker.pid, signal.SIGSTOP)
    with FrozenWorkers(leases, TrialLimits()):
        assert worker.wait(timeout=30) == -signal.SIGKILL


def test_one_that_renews_its_lease_is_left_alone_and_so_is_this_process(worker: subprocess.Popen[bytes]) -> None:
    leases = Leases()
    leases.renew(os.getpid())
    with FrozenWorkers(leases, TrialLimits()):
        for _ in range(20):
            leases.renew(worker.pid)
            time.sleep(0.03)
    assert worker.poll() is None


def test_a_worker_has_as_long_as_a_step_may_take_and_the_time_to_end_itself(worker: subprocess.Popen[bytes]) -> None:
    leases = Leases()
    leases.renew(worker.pid)
    with FrozenWorkers(leases, TrialLimits(step_minutes=0.001)):
        time.sleep(0.5)
    assert worker.poll() is None


def test_time_in_which_this_process_was_suspended_does_not_count(worker: subprocess.Popen[bytes]) -> None:
    """Ctrl-Z suspends all of a sweep, and its workers must not be killed when it goes on."""
    leases = Leases()
    leases.renew(worker.pid)
    watching = FrozenWorkers(leases, TrialLimits())
    watching._look(leases.attrs(), 0.02)
    for _ in range(5):
        watching._look(leases.attrs(), 0.04)
    assert worker.poll() is None
    watching._look(leases.attrs(), 0.2)
    assert worker.wait(timeout=30) == -signal.SIGKILL


def test_a_process_that_nobody_waits_for_is_dead() -> None:
    leases = Leases()
    with subprocess.Popen(SLEEPS) as process:
        leases.renew(process.pid)
        name = f"worker-{process.pid}"
        assert lease.is_alive(leases.attrs(), name)
        process.kill()
        deadline = time.monotonic() + 30
        while lease.is_alive(leases.attrs(), name) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not lease.is_alive(leases.attrs(), name)
