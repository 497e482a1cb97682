"""A sweep with pruning on each launcher, in which a worker is killed."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from slimtune.sweeper.study import load_study_trials
from slimtune.sweeper.study.record import RETRY_OF, WORKER, TrialRecord
from tests.services import need_slurm

pytestmark = pytest.mark.slow

APP = """
import os, signal, time
from pathlib import Path
import hydra
from slimtune import current_trial

@hydra.main(version_base="1.3", config_path=".", config_name="app")
def main(cfg):
    trial = current_trial()
    for step in range(1, 6):
        value = (cfg.x - 1) ** 2 + 1 / step
        if trial.number == cfg.killed and step == 2 and not Path("was_killed").exists():
            Path("was_killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.02)
        trial.report(value, step)
    (Path("threads") / str(os.getpid())).write_text(os.environ.get("LOKY_MAX_CPU_COUNT", "all"))
    return value

main()
"""
N_TRIALS = 12


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "app.yaml").write_text("x: 0\nkilled: -1\n")
    (tmp_path / "threads").mkdir()
    return tmp_path


def sweep(app: Path, *more: str, environment: Mapping[str, str] = {}) -> list[TrialRecord]:
    """The trials of a sweep, those whose worker was killed left out."""
    fixed = ["-m", "hydra/sweeper=slimtune", "hydra.sweep.dir=out", "x=interval(-5,5)"]
    search = {"direction": "minimize", "n_trials": N_TRIALS, "num_workers": 1}
    options = [f"hydra.sweeper.search.{key}={value}" for key, value in search.items()]
    command = [sys.executable, "app.py", *fixed, *options, *more]
    done = subprocess.run(
        command, cwd=app, env=os.environ | environment, capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 0, done.stderr
    assert (app / "out" / "optimization_results.yaml").is_file(), done.stderr
    return [one for one in load_study_trials(f"sqlite:///{app / 'out' / 'study.db'}", "app").trials if one.counts]


def check_survived(trials: list[TrialRecord]) -> None:
    """The exact budget, each trial once, some pruned, and the killed worker's trial tried again by another."""
    assert len(trials) == N_TRIALS
    assert len({trial.params["x"] for trial in trials}) == N_TRIALS
    states = Counter(trial.state.value for trial in trials)
    assert states["pruned"] > 0
    assert states["complete"] > 0
    assert states.total() == states["pruned"] + states["complete"]
    assert [trial.attrs[RETRY_OF] for trial in trials if RETRY_OF in trial.attrs].count(2) == 1
    assert len({trial.attrs[WORKER] for trial in trials}) >= 2


TWO = ("hydra.sweeper.search.num_workers=2", "killed=2")


def test_basic(app: Path) -> None:
    """One worker, in the launching process."""
    trials = sweep(app)
    assert len(trials) == N_TRIALS
    assert {trial.state.value for trial in trials} == {"complete", "pruned"}
    assert len({trial.attrs[WORKER] for trial in trials}) == 1


def test_joblib(app: Path) -> None:
    """All workers die with one, and begin again."""
    check_survived(sweep(app, "hydra/launcher=joblib", *TWO))


def test_ray(app: Path, ray_address: str) -> None:
    """On a cluster of two nodes one worker more begins; a worker has the cores that Ray gave it."""
    address = f"hydra.launcher.ray.init.address='{ray_address}'"
    check_survived(sweep(app, "hydra/launcher=ray", address, *TWO))
    assert {file.read_text() for file in (app / "threads").iterdir()} == {"1"}


def test_slurm(app: Path) -> None:
    """One job more is submitted, also where Slurm keeps no accounts; a worker has the cores of its job."""
    need_slurm()
    own = ("hydra/launcher=submitit_slurm", "hydra.launcher.cpus_per_task=1", "hydra.launcher.name=" + app.name)
    check_survived(sweep(app, *own, *TWO))
    assert {file.read_text() for file in (app / "threads").iterdir()} == {"1"}


def test_gpus_are_divided_among_the_workers_of_a_machine(app: Path) -> None:
    """Each sees one of those that the launching process sees, and no two the same."""
    (app / "app.py").write_text(APP.replace("LOKY_MAX_CPU_COUNT", "CUDA_VISIBLE_DEVICES"))
    devices = {"CUDA_VISIBLE_DEVICES": f"GPU-{app.name}-a,GPU-{app.name}-b"}
    trials = sweep(app, "hydra/launcher=joblib", "hydra.sweeper.search.num_workers=2", environment=devices)
    assert len(trials) == N_TRIALS
    seen = [file.read_text() for file in (app / "threads").iterdir()]
    assert sorted(seen) == sorted(devices["CUDA_VISIBLE_DEVICES"].split(","))
