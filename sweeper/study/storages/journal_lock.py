"""The lock of a journal: Optuna's, with what it knows of processes of this machine."""

import fcntl
import os
import socket
from pathlib import Path

from optuna.storages.journal import JournalFileSymlinkLock

HELD = b"1"


class MachineLock(JournalFileSymlinkLock):
    """Optuna's lock is a link beside the file, which holds on NFS too, and between this and other programs of Optuna.
    Of a process that was killed it stays, and everybody waits for half a minute.

    So processes of one machine first take turns by a lock of the kernel, which ends with its process, on a file of
    their machine; and note there who has made the link. Where that note stays, the link is of the dead.

    Args:
        path: Of the journal.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self._note = f"{path}.lock.{socket.gethostname()}"
        self._file: int | None = None

    def acquire(self) -> bool:
        """Wait for it."""
        file = os.open(self._note, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.pread(file, 1, 0) == HELD:
                Path(self._lock_file).unlink(missing_ok=True)
                os.ftruncate(file, 0)
            super().acquire()
            os.pwrite(file, HELD, 0)
        except BaseException:
            os.close(file)
            raise
        self._file = file
        return True

    def release(self) -> None:
        """Let the next one in; called by Optuna's own, too, for a lock that another machine has left behind."""
        if self._file is None:
            super().release()
            return
        file, self._file = self._file, None
        try:
            # in this order: what stays of a death in between is the link alone, which is waited for
            os.ftruncate(file, 0)
            super().release()
        finally:
            os.close(file)
