"""A server that a person ends."""

import os
import signal
import subprocess
import sys

import pytest

from slimtune.sweeper.quiet_server import run_server

SERVER = "import time; print('up', flush=True); time.sleep(600)"
PERSON = f"""
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from slimtune.sweeper.quiet_server import run_server
sys.exit(run_server([sys.executable, "-c", {SERVER!r}]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_it_quietly(number: int) -> None:
    """A terminal interrupts the whole group; its output ends, so no server is left behind."""
    command, said = [sys.executable, "-c", PERSON], subprocess.PIPE
    with subprocess.Popen(command, start_new_session=True, text=True, stdout=said, stderr=subprocess.STDOUT) as person:
        assert person.stdout is not None
        assert person.stdout.readline() == "up\n"
        os.killpg(person.pid, number)
        assert person.stdout.read() == ""
    assert person.returncode == 0


def test_a_server_that_fails_hands_its_exit_code_on() -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert run_server([sys.executable, "-c", "raise SystemExit(3)"], os.environ) == 3
    assert signal.getsignal(signal.SIGTERM) is before
