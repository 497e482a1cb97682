"""A journal: one file that every worker adds lines to, also on a network file system."""

import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock, JournalFileSymlinkLock
from optuna.storages.journal._file import get_lock_file

LINE_END = b"\n"


def open_journal(path: Path) -> JournalStorage:
    """The journal, made if it is not there.

    Raises:
        OSError: Its folder is not there, or cannot be written.
        ValueError: A line of it is something else.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"the folder {path.parent.absolute()} is not there; make it (an absolute path has four slashes: "
            f"journal:////shared/study.log)"
        )
    try:
        return JournalStorage(JournalFile(path))
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path.absolute()} has a line that is none of a journal") from error


def _lock_of(path: Path) -> JournalFileOpenLock | JournalFileSymlinkLock:
    if sys.platform == "win32":
        # it has neither links for everybody nor the kernel's lock
        return JournalFileOpenLock(str(path))
    from slimtune.sweeper.study.storages.journal_lock import MachineLock

    return MachineLock(path)


class JournalFile(JournalFileBackend):
    """Optuna's, which outlives the death of whoever writes to it, and writes several lines at once.

    Args:
        path: Of the file.
    """

    def __init__(self, path: Path) -> None:
        self._journal_lock = _lock_of(path)
        super().__init__(str(path), lock_obj=self._journal_lock)
        self._turn = threading.Lock()
        self._held = threading.local()

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Add lines, after a whole one."""
        held = getattr(self._held, "logs", None)
        if held is not None:
            held += logs
            return
        with self._turn, get_lock_file(self._journal_lock):
            self._cut_torn_line()
            self._append(logs)

    def _append(self, logs: list[dict[str, Any]]) -> None:
        text = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        with Path(self._file_path).open("ab") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())

    def _cut_torn_line(self) -> None:
        """Of a writer that was killed: nobody has read it, since it does not end; with a line after it, nobody could
        read the journal any more.
        """
        with Path(self._file_path).open("rb+") as file:
            size = file.seek(0, os.SEEK_END)
            if size == 0 or _byte_at(file.fileno(), size - 1) == LINE_END:
                return
            start = size
            while start > 0 and _byte_at(file.fileno(), start - 1) != LINE_END:
                start -= 1
            file.truncate(start)

    @contextmanager
    def together(self) -> Iterator[None]:
        """What a thread adds within is written at the end, at once."""
        self._held.logs = []
        try:
            yield
        finally:
            held, self._held.logs = self._held.logs, None
            if held:
                self.append_logs(held)


def _byte_at(file: int, offset: int) -> bytes:
    return os.pread(file, 1, offset)
