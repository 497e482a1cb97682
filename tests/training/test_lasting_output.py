"""What a command prints to somebody who has gone."""

import os
import sys
from collections.abc import Iterator
from typing import TextIO

import pytest

from slimtune.training.lasting_output import LastingOutput, check_read, lasting_output


@pytest.fixture
def closed() -> Iterator[TextIO]:
    """A pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        yield stream


def test_what_nobody_reads_is_dropped_and_the_rest_goes_on(closed: TextIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", closed)
    with lasting_output():
        check_read()
        print("a line", flush=True)
        print("another")
        with pytest.raises(BrokenPipeError):
            check_read()
    assert sys.stdout is closed
    # as at the end of the process
    closed.flush()


def test_a_process_without_output_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that was started with `>&-`."""
    monkeypatch.setattr(sys, "stdout", None)
    with lasting_output():
        print("a line", flush=True)
    assert sys.stdout is None


def test_a_long_text_is_dropped_too(closed: TextIO) -> None:
    output = LastingOutput(closed)
    assert output.write("x" * 1_000_000) == 1_000_000
    output.flush()
    assert output.is_gone
    assert output.fileno() == closed.fileno()
