"""What tests of several rooms of training share."""

import multiprocessing
from types import SimpleNamespace

import pytest

from slimtune.training.worker import rank_launcher

NEEDED = ("slimtune.training.worker.run", "torch.distributed.fsdp", "peft", "accelerate")


@pytest.fixture
def forked_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranks are forked from a process that has imported what they need, instead of spawned: in a tenth of the time.

    That they can be spawned is for `tests/training/worker/test_rank_launcher.py`.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(NEEDED))
    monkeypatch.setattr(rank_launcher, "multiprocessing", SimpleNamespace(get_context=lambda _: context))
