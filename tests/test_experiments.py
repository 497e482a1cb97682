"""Every experiment trains a few steps on its own data and scores its metric."""

import math
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_module

import slimtune.conf
from slimtune.sweeper.config_values import plain
from slimtune.training.trial import Completed
from slimtune.training.worker.run import run_trial
from tests.conftest import FakeTrial

EXPERIMENTS = sorted(path.stem for path in (Path(str(slimtune.conf.__file__)).parent / "experiment").glob("*.yaml"))


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_trains(name: str, tmp_path: Path) -> None:
    cache = f"data.cache_dir={tmp_path / 'cache'}"
    given: list[Any] = [f"experiment={name}", "fit.max_steps=4", "tracking=none", cache]
    if name == "tiny_base":
        # a tenth of the text
        given.append("data.train_file=python:docstrings")
    with initialize_config_module("slimtune.conf", version_base="1.3"):
        values = plain(compose("config", overrides=given))
    if "eval_rows" in values["task"]:
        values["task"]["eval_rows"] = 4
    outcome = run_trial(FakeTrial(values, tmp_path / "trial"))
    assert isinstance(outcome, Completed), outcome
    assert math.isfinite(outcome.scores["objective"])
    assert outcome.scores["objective"] == outcome.scores[f"validation/{values['task']['metric']}"]
