"""Sweeps as a user runs them: each in a process of its own, in an empty folder."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.forked import ForkServerProcess, run_slimtune, start_slimtune


class Sweep:
    """A folder in which `slimtune` is run."""

    def __init__(self, folder: Path, overrides: Sequence[str]) -> None:
        self.folder = folder
        self._said = folder.with_name(f"{folder.name}-said.txt")
        self._overrides = list(overrides)

    def run(self, *more: str) -> subprocess.CompletedProcess[str]:
        return run_slimtune(["sweep", *self._overrides, *more], folder=self.folder)

    def train(self) -> subprocess.CompletedProcess[str]:
        return run_slimtune(["train", *self._overrides], folder=self.folder)

    def start(self, *more: str) -> ForkServerProcess:
        """Under way, to be killed or interrupted."""
        return start_slimtune(["sweep", *self._overrides, *more], folder=self.folder, said=self._said)

    def said(self) -> str:
        """What those that were started have printed."""
        return self._said.read_text("utf-8")

    def slimtune(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run_slimtune(arguments, folder=self.folder)

    def trials(self, name: str = "mine") -> list[dict[str, Any]]:
        done = self.slimtune("compare", name, "--json")
        assert done.returncode == 0, done.stderr
        trials: list[dict[str, Any]] = json.loads(done.stdout)
        # the best stand first there
        return sorted(trials, key=lambda trial: int(trial["number"]))

    def runs(self, kind: str, name: str = "mine") -> list[Any]:
        """The runs of a kind in MLflow."""
        from slimtune.training.tracking.mlflow_runs import client_of

        client = client_of(f"sqlite:///{self.folder / 'mlruns' / 'mlflow.db'}")
        experiment = client.get_experiment_by_name(name)
        assert experiment is not None
        return list(client.search_runs([experiment.experiment_id], f"tags.kind = '{kind}'"))


def make_sweep(folder: Path, tiny_model: Path, rows_file: Path) -> Sweep:
    """Nothing has been run."""
    overrides = [
        "data=file",
        f"data.train_file={rows_file}",
        f"data.cache_dir={folder / 'cache'}",
        "data.max_length=32",
        f"model.name_or_path={tiny_model}",
        "fit.epochs=3",
        "method.modules_to_save=[pooler]",
        "space.fit.learning_rate={type: float, low: 5e-3, high: 2e-2, log: true}",
        "space.fit.batch_size.values=[4,8]",
        "fit.threads=1",
        # not measured each time
        "fit.slots=2",
        "search.name=mine",
        "search.n_trials=6",
        "search.rerun_seeds=1",
        "export=none",
    ]
    (folder / "work").mkdir()
    return Sweep(folder / "work", overrides)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tracking store with no experiment: its tables take longer than a trial."""
    from slimtune.training.tracking.mlflow_runs import client_of

    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    client_of(f"sqlite:///{path}")
    return path


@pytest.fixture
def sweep(tmp_path: Path, tiny_model: Path, rows_file: Path, empty_store: Path) -> Sweep:
    made = make_sweep(tmp_path, tiny_model, rows_file)
    (made.folder / "mlruns").mkdir()
    shutil.copy(empty_store, made.folder / "mlruns")
    return made


class Swept(NamedTuple):
    """A sweep that has ended; tests may go on with it as long as its trials stay as they are."""

    sweep: Sweep
    output: str


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, rows_file: Path) -> Swept:
    sweep = make_sweep(tmp_path_factory.mktemp("swept"), tiny_model, rows_file)
    done = sweep.run()
    assert done.returncode == 0, done.stdout + done.stderr
    return Swept(sweep, done.stdout)
