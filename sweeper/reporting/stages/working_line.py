"""That a command is at work: a line on the terminal while it says nothing, gone when it does; elsewhere its stages."""

import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TextIO, cast

from slimtune.sweeper.reporting.stages.loading import loaded_package, loading_told
from slimtune.sweeper.reporting.stages.stage_log import StageLog
from slimtune.training.stages import TOLD_SECONDS, Stage, stages_told_to

REFRESHED_SECONDS = 0.5
# back to the beginning of the line, and all of it away
ERASE = "\r\x1b[K"


@contextmanager
def shown_at_work(word: str, *, by_stages: bool) -> Iterator[None]:
    """Show on standard error what a command does: on a terminal after two seconds of silence, elsewhere each stage,
    and before the first one which package is being loaded.

    Args:
        word: The command.
        by_stages: After its first output a stage alone is shown: it has displays of its own.
    """
    own = sys.stdout, sys.stderr
    if own[1] is None:
        yield
        return
    if not own[1].isatty() or os.environ.get("TERM") == "dumb":
        write = partial(_write_line, own[1], word)
        with stages_told_to(StageLog(write)), loading_told(write):
            yield
        return
    line = WorkingLine(word, own[1], by_stages=by_stages)
    sys.stdout, sys.stderr = (cast(TextIO, None if one is None else _Watched(one, line)) for one in own)
    try:
        with stages_told_to(line):
            line.start()
            yield
    finally:
        line.stop()
        sys.stdout, sys.stderr = own


def _write_line(stream: TextIO, word: str, line: str) -> None:
    # at once, for who reads a log while it is written
    print(f"slimtune {word}: {line}", file=stream, flush=True)


class WorkingLine:
    """A thread that writes the line anew, and takes it away before anything else is written.

    Attributes:
        lock: Held while a stream is written to.
    """

    def __init__(self, word: str, stream: TextIO, *, by_stages: bool, silent_seconds: float = TOLD_SECONDS) -> None:
        self.lock = threading.RLock()
        self._word, self._stream, self._by_stages = word, stream, by_stages
        self._silent_seconds = silent_seconds
        self._began = self._last = time.monotonic()
        self._stages: list[Stage] = []
        self._is_shown, self._is_first = False, True
        self._over = threading.Event()
        self._main = threading.get_ident()
        self._thread = threading.Thread(target=self._run, name="working-line", daemon=True)

    def start(self) -> None:
        """From now on."""
        # a child has no such thread, and may have been made while it held the lock
        os.register_at_fork(after_in_child=self._forget)
        self._thread.start()

    def stop(self) -> None:
        """No more, and nothing of it stays."""
        self._over.set()
        self._thread.join()
        self.hush()

    def begun(self, stage: Stage) -> None:
        """As a listener of stages; one may stand inside another."""
        self._stages.append(stage)

    def ended(self, stage: Stage) -> None:
        """Likewise."""
        self._stages.remove(stage)

    def hush(self) -> None:
        """Take the line away; silence begins anew."""
        with self.lock:
            if self._is_shown:
                self._stream.write(ERASE)
                self._stream.flush()
                self._is_shown = False
            self._last, self._is_first = time.monotonic(), False

    def told(self) -> str:
        """What is being done, and for how long."""
        stages = list(self._stages)
        if stages:
            return f"slimtune {self._word}: {stages[-1].progress()}"
        package = loaded_package(self._main)
        doing = f"loads {package}" if package else "at work"
        return f"slimtune {self._word}: {doing}, {time.monotonic() - self._began:,.0f} s"

    def _forget(self) -> None:
        self.lock, self._is_shown = threading.RLock(), False

    def _run(self) -> None:
        while not self._over.wait(min(REFRESHED_SECONDS, self._silent_seconds)):
            with self.lock:
                if time.monotonic() - self._last < self._silent_seconds:
                    continue
                if self._by_stages and not self._is_first and not self._stages:
                    continue
                # a line that is too long would stay in part
                self._stream.write(f"{ERASE}{self.told()[: shutil.get_terminal_size().columns - 1]}")
                self._stream.flush()
                self._is_shown = True


class _Watched:
    """A stream before which the line goes away."""

    def __init__(self, stream: TextIO, line: WorkingLine) -> None:
        self._stream, self._line = stream, line

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """As a stream's."""
        with self._line.lock:
            self._line.hush()
            return self._stream.write(text)

    def writelines(self, lines: Any) -> None:
        """As a stream's."""
        for line in lines:
            self.write(line)
