"""The page of a search over an app of the user's own."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slimtune.sweeper.report_page import refresh
from slimtune.training.usual_places import PAGE_FILE
from tests.cases.plugin_app import HEAD, KEYS, VALUES, App, app_fixture

__all__ = ["app_fixture"]


def test_the_page_is_kept_up_while_a_long_search_runs_and_is_of_its_end_then(
    app: Callable[..., App], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refresh, "RHYTHM", refresh.Rhythm(1, 0.01, 0.01, 1.0))
    page = Path("out") / PAGE_FILE

    def task(cfg: Any) -> float:
        ends = time.monotonic() + 60.0
        while cfg.width == 0.5 and len(list(Path("out").glob("[0-9]*"))) > 2 and not page.is_file():
            assert time.monotonic() < ends
            time.sleep(0.05)
        return float(cfg.x**2)

    app(HEAD + VALUES + KEYS, task).sweep("hydra.sweeper.n_jobs=1")
    assert "ended; 6 of 6 trials have ended" in page.read_text()


def test_a_short_search_writes_none(app: Callable[..., App]) -> None:
    """It would take longer than the search."""
    app(HEAD + VALUES + KEYS).sweep("hydra.sweeper.n_jobs=1")
    assert not (Path("out") / PAGE_FILE).exists()
