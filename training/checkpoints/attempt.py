"""A trial without a search that was killed or interrupted, found again by whoever gives the same arguments."""

import json
import logging
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple, NoReturn

import yaml
from filelock import FileLock, Timeout

from slimtune.training.atomic_files import write_json
from slimtune.training.checkpoints.kinds import CONFIG
from slimtune.training.errors import StoreError

log = logging.getLogger(__name__)

ATTEMPT, LOCK = "attempt.json", "attempt.lock"
# what a shell makes of SIGTERM
TERMINATED = 128 + signal.SIGTERM
# somebody who only looks whether an attempt is under way has its lock for a moment
LOOK_SECONDS = 5.0


class Attempt(NamedTuple):
    """What is left of a trial that did not end.

    Attributes:
        folder: The trial's.
        run_id: Its run in the tracker; None without a tracker.
        cores: How many it took of the machine; None if that was all.
    """

    folder: Path
    run_id: str | None
    cores: int | None = None


class Stop:
    """Whether the trial was asked to end.

    Attributes:
        signal: What asked; None while nothing has.
    """

    def __init__(self) -> None:
        self.signal: int | None = None

    def ask(self, number: int, _: FrameType | None) -> None:
        """Take a signal: the trial ends between two steps with its state saved; by a second one at once."""
        if self.signal is not None:
            self.end()
        self.signal = number

    def end(self) -> NoReturn:
        """End the process as the signal does.

        Raises:
            KeyboardInterrupt: By SIGINT.
            SystemExit: By SIGTERM, with the exit code of a shell.
        """
        if self.signal == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(TERMINATED)


@contextmanager
def attempted(folder: Path, stop: Stop) -> Iterator[None]:
    """A trial is under way in a folder: nobody else goes on with it, and SIGTERM and Ctrl-C let it save its state.

    Raises:
        StoreError: Another process trains there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # signals are the main thread's
    taken = (signal.SIGTERM, signal.SIGINT) if threading.current_thread() is threading.main_thread() else ()
    lock = FileLock(folder / LOCK, thread_local=False, timeout=LOOK_SECONDS)
    try:
        lock.acquire()
    except Timeout:
        told = f"another process trains in {folder}; wait until it has ended, or take another folder (hydra.run.dir)"
        raise StoreError(told) from None
    try:
        before = {number: signal.signal(number, stop.ask) for number in taken}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    finally:
        lock.release()


def note_attempt(folder: Path, run_id: str | None, *, cores: int | None = None) -> None:
    """The trial has begun."""
    write_json(folder / ATTEMPT, {"run_id": run_id, "cores": cores})


def forget_attempts(*folders: Path) -> None:
    """The trial has ended, in whichever way."""
    for folder in folders:
        (folder / ATTEMPT).unlink(missing_ok=True)


@contextmanager
def left_attempts(values: Mapping[str, Any], folder: Path) -> Iterator[list[Attempt]]:
    """Attempts at a trial of the same config that did not end, the newest first.

    Within the block nobody else goes on with them: they share a run, and who went on with one may have a folder of its
    own. That of `folder` itself is kept by `attempted`.

    Args:
        values: The composed config.
        folder: Where the trial is about to run; earlier ones lie there or beside it.
    """
    newest_first = [place for _, place in sorted(_noted_beside(folder), reverse=True)]
    with ExitStack() as locks:
        yield [
            attempt
            for place in newest_first
            if _is_same(place, values)
            and _is_locked(place, locks, keep=place.resolve() != folder.resolve())
            and (attempt := _read(place)) is not None
        ]


def _noted_beside(folder: Path) -> Iterator[tuple[float, Path]]:
    """Folders of trials that have not ended, with when they were noted; one may end while it is looked at."""
    for path in folder.parent.glob(f"*/{ATTEMPT}"):
        with suppress(FileNotFoundError):
            yield path.stat().st_mtime, path.parent


def _is_same(place: Path, values: Mapping[str, Any]) -> bool:
    with suppress(OSError, yaml.YAMLError):
        return bool(yaml.safe_load((place / CONFIG).read_text(encoding="utf-8")) == values)
    return False


def _is_locked(place: Path, locks: ExitStack, *, keep: bool) -> bool:
    """Take the lock of an attempt, which `locks` gives back; False while somebody has it."""
    lock = FileLock(place / LOCK, thread_local=False, timeout=0)
    try:
        lock.acquire()
    except (Timeout, OSError):
        return False
    if keep:
        locks.callback(lock.release)
    else:
        lock.release()
    return True


def _read(place: Path) -> Attempt | None:
    """None if it has ended meanwhile, or cannot be read, which is told."""
    path = place / ATTEMPT
    try:
        noted = json.loads(path.read_text(encoding="utf-8"))
        run_id, cores = noted["run_id"], noted.get("cores")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("%s cannot be read, so the trial that was interrupted there is not gone on with (%s)", path, error)
        return None
    return Attempt(place, run_id, cores)
