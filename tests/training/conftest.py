"""What tests of several rooms of training share."""

import multiprocessing
import shutil
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from slimtune.training.config.trial import TrialConfig, parse_trial
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


@pytest.fixture
def keeping_config(
    config_of: Callable[..., dict[str, Any]], rows_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> TrialConfig:
    """With rows of its own, which a test may change, and a cache in which what comes of few rows is kept too."""
    from slimtune.training.data.kept import kept_rows

    monkeypatch.setattr(kept_rows, "LEAST_ROWS", 1)
    rows = shutil.copy(rows_file, tmp_path / "kept.jsonl")
    config: TrialConfig = parse_trial(
        config_of(f"data.cache_dir={tmp_path / 'cache'}", f"data.train_file={rows}")
    ).section
    return config


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[TrialConfig]:
    """The configs whose rows were read."""
    from slimtune.training.workbench import prepared_data

    found: list[TrialConfig] = []
    original = prepared_data.read_splits
    monkeypatch.setattr(prepared_data, "read_splits", lambda config: (found.append(config), original(config))[1])
    return found
