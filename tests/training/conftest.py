"""What tests of several rooms of training share."""

import multiprocessing
from multiprocessing.process import BaseProcess
from types import SimpleNamespace

import pytest

from slimtune.training.worker import rank_launcher
from tests.forked import forking


@pytest.fixture
def forked_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranks are forked from a process that has imported what they need, instead of spawned: in a tenth of the time.

    That they can be spawned is for one test of `tests/training/worker/test_rank_launcher.py`.
    """
    context = forking()
    monkeypatch.setattr(rank_launcher, "multiprocessing", SimpleNamespace(get_context=lambda _: context))


def rank_of(name: str) -> BaseProcess:
    """A live rank of a trial that this process has launched."""
    (found,) = [process for process in multiprocessing.active_children() if process.name == name]
    return found
