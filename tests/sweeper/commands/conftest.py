"""A sweep that commands are given."""

from pathlib import Path

import pytest

from slimtune.sweeper.study import Study
from slimtune.sweeper.study.record import BUDGET
from tests.sweeper.campaigns.test_find_sweep import begun


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """One of four trials, with a folder among the outputs of the working directory."""
    monkeypatch.chdir(tmp_path)
    made = begun(tmp_path / "outputs")
    made.set_attr(BUDGET, 4)
    return made
