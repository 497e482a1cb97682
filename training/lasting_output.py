"""What a command prints while what reads it may go away, as `| head` does: the command goes on without it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast


class LastingOutput:
    """A stream that drops what is written to a closed pipe, so that files are still written and runs logged.

    Attributes:
        is_gone: Whether nobody reads any more.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.is_gone = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """As a stream's."""
        if not self.is_gone:
            try:
                return self._stream.write(text)
            except BrokenPipeError:
                self._drop()
        return len(text)

    def writelines(self, lines: Any) -> None:
        """As a stream's."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """As a stream's."""
        if not self.is_gone:
            try:
                self._stream.flush()
            except BrokenPipeError:
                self._drop()

    def _drop(self) -> None:
        """What waits to be written has a place to go to, now and at the end of the process."""
        self.is_gone = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)


@contextmanager
def lasting_output() -> Iterator[None]:
    """Standard output and standard error that outlast their readers."""
    own = sys.stdout, sys.stderr
    # there is none where a process was started without, e.g. by `>&-`; `print` says nothing then
    lasting = [None if stream is None else LastingOutput(stream) for stream in own]
    sys.stdout, sys.stderr = (cast(TextIO, stream) for stream in lasting)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = own
        for stream in lasting:
            if stream is not None:
                stream.flush()


def check_read() -> None:
    """Whether somebody reads what is printed; for a command that does nothing but print.

    Raises:
        BrokenPipeError: Nobody does.
    """
    if getattr(sys.stdout, "is_gone", False):
        raise BrokenPipeError
