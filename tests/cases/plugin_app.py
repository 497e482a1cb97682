"""An app of the user's own with a config for Hydra's Optuna sweeper."""

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hydra._internal.callbacks import Callbacks
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.global_hydra import GlobalHydra
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig, OmegaConf

from slimtune.sweeper.search.read_request import read_request
from slimtune.sweeper.search.request import HydraApp, SweepRequest
from slimtune.sweeper.search.sweep import run_sweep

HEAD = "defaults:\n  - _self_\n  - override hydra/sweeper: slimtune\n"
KEYS = """
hydra:
  sweeper:
    sampler: {seed: 7}
    direction: minimize
    study_name: bowl
    storage: null
    n_trials: 6
    n_jobs: 2
    params:
      x: range(-3.0, 3.0, 0.5)
      y: choice(-2, 0, 2)
"""
VALUES = "x: 1\ny: 1\nwidth: 0.5\n"


class App(NamedTuple):
    """A Hydra app with a config that names the sweeper."""

    folder: Path
    read: Callable[..., SweepRequest]
    sweep: Callable[..., dict[str, Any]]


@pytest.fixture(name="app")
def app_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., App]]:
    monkeypatch.chdir(tmp_path)
    root, handlers, level = logging.getLogger(), logging.getLogger().handlers[:], logging.getLogger().level

    def make(text: str, task: Callable[[DictConfig], Any] = lambda cfg: cfg.x**2 + cfg.y**2) -> App:
        (tmp_path / "conf").mkdir(exist_ok=True)
        (tmp_path / "conf" / "app.yaml").write_text(text)

        def hydra_app(overrides: Sequence[str]) -> tuple[HydraApp, list[str]]:
            GlobalHydra.instance().clear()
            engine = Hydra.create_main_hydra2("app", create_config_search_path(str(tmp_path / "conf")))
            given = ["hydra.sweep.dir=out", "hydra.job.name=app", "hydra.job.chdir=false", *overrides]
            config = engine.compose_config("app", given, RunMode.MULTIRUN, with_log_configuration=False)
            own = [line for line in overrides if not line.lstrip("+").startswith("hydra")]
            return HydraApp(HydraContext(engine.config_loader, Callbacks(config)), task, config), own

        def read(*overrides: str) -> SweepRequest:
            return read_request(*hydra_app(overrides))[0]

        def sweep(*overrides: str) -> dict[str, Any]:
            assert run_sweep(*hydra_app(overrides)) is None
            results = tmp_path / "out" / "optimization_results.yaml"
            return OmegaConf.to_container(OmegaConf.load(results))  # type: ignore[return-value]

        return App(tmp_path, read, sweep)

    yield make
    GlobalHydra.instance().clear()
    root.handlers[:] = handlers
    root.setLevel(level)
