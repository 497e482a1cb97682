"""A sweep in processes of its own, some of which are killed."""

import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from slimtune.sweeper.study import TrialRecord, load_study_trials
from slimtune.sweeper.study.loaded import load_all_trials
from slimtune.training.errors import StoreError

APP = Path(__file__).with_name("storm_app.py")


class StormySweep:
    """A sweep of the cheap app.

    Args:
        folder: Where it runs.
        storage: URL of its study.
        overrides: Beside those that every such sweep has.
    """

    def __init__(self, folder: Path, storage: str, overrides: Sequence[str]) -> None:
        self.folder, self.storage = folder, storage
        # a server keeps those of earlier tests
        self.name = f"storm-{uuid.uuid4().hex[:12]}"
        self._command = [
            *(sys.executable, str(APP), "-m", "hydra/sweeper=slimtune", f"hydra.sweep.dir={folder / 'out'}"),
            *("+x=interval(0,1)", "hydra.sweeper.search.direction=minimize", f"hydra.sweeper.search.name={self.name}"),
            f"hydra.sweeper.search.storage='{storage}'",
            *overrides,
        ]
        self.calls = folder / "calls.txt"

    def start(self, *more: str, step_seconds: float = 0.02) -> subprocess.Popen[str]:
        """One more launching process; a trial has three steps."""
        environment = os.environ | {"CALLS": str(self.calls), "STEP_SECONDS": str(step_seconds)}
        with (self.folder / "said.txt").open("a") as said:
            return subprocess.Popen(
                ["env", "--default-signal=INT", *self._command, *more],
                cwd=self.folder,
                env=environment,
                stdout=said,
                stderr=subprocess.STDOUT,
                text=True,
            )

    def said(self) -> str:
        """What its processes have printed."""
        return (self.folder / "said.txt").read_text()

    def shown(self) -> list[TrialRecord]:
        """The trials of the budget so far."""
        try:
            return load_study_trials(self.storage, self.name).trials
        except StoreError:
            return []

    def every(self) -> list[TrialRecord]:
        """All trials that ever were."""
        return load_all_trials(self.storage, self.name)

    def num_calls(self) -> int:
        """Calls that came to their end; to read the study for it would take more than the sweep does."""
        return self.calls.read_text("utf-8").count("\n") if self.calls.exists() else 0

    def wait_for(self, number: int, launcher: subprocess.Popen[str]) -> None:
        """Until so many calls have ended.

        Raises:
            RuntimeError: The launching process has ended before.
            TimeoutError: It takes too long.
        """
        self._wait(lambda: self.num_calls() >= number, launcher)

    def wait_for_words(self, words: str, launcher: subprocess.Popen[str]) -> None:
        """Until this was printed; raises the same."""
        self._wait(lambda: words in self.said(), launcher)

    def _wait(self, is_there: Callable[[], bool], launcher: subprocess.Popen[str]) -> None:
        deadline = time.monotonic() + 240
        while not is_there():
            if launcher.poll() is not None:
                raise RuntimeError(f"exit code {launcher.returncode}: {self.said()}")
            if time.monotonic() > deadline:
                raise TimeoutError(self.said())
            time.sleep(0.2)


def kill_a_worker(launcher: subprocess.Popen[str], rng: random.Random) -> None:
    """Any of the launching process' workers, without a word."""
    workers = [child for child in _children(launcher) if _is_worker(child)]
    if workers:
        with suppress(ProcessLookupError):
            os.kill(rng.choice(workers).pid, signal.SIGKILL)


def _children(launcher: subprocess.Popen[str]) -> list[psutil.Process]:
    try:
        return psutil.Process(launcher.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _is_worker(process: psutil.Process) -> bool:
    try:
        return "popen_loky" in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        # just ended
        return False
