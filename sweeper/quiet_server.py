"""A server that a person ends by Ctrl-C, without the tracebacks that it would print of that."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from types import FrameType

# requests under way; what takes longer is cut off
LEAVING_SECONDS = 5.0
# of a terminal that is closed, of `kill`; Windows has not all of them
OTHER_ENDS = tuple(getattr(signal, name) for name in ("SIGHUP", "SIGTERM") if hasattr(signal, name))


def run_server(command: Sequence[str], environment: Mapping[str, str] | None = None) -> int:
    """Run it until it ends, or until this process is asked to.

    Returns:
        Its exit code; 0 where this process was asked.
    """
    before = {number: signal.signal(number, _interrupt) for number in OTHER_ENDS}
    # a terminal interrupts all of a group, and servers tell of that line by line
    server = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        _end(server)
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


def _end(server: "subprocess.Popen[bytes]") -> None:
    """With the processes that it has begun."""
    if server.poll() is not None:
        return
    _send(server, signal.SIGTERM)
    try:
        server.wait(LEAVING_SECONDS)
    except subprocess.TimeoutExpired:
        _send(server, getattr(signal, "SIGKILL", signal.SIGTERM))
        server.wait()


def _send(server: "subprocess.Popen[bytes]", number: int) -> None:
    if hasattr(os, "killpg"):
        os.killpg(server.pid, number)
    else:
        server.terminate()
