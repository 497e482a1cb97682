"""Training sweeps whose workers run as jobs of a scheduler."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Sweep
from tests.services import need_slurm, ray_cluster

pytestmark = pytest.mark.slow

SMALL = ("search.num_workers=2", "search.n_trials=4", "search.rerun_seeds=0", "fit.epochs=2", "fit.threads=null")


@pytest.fixture
def ray_address() -> Iterator[str]:
    with ray_cluster() as address:
        yield address


def check_trained(sweep: Sweep, *more: str) -> None:
    """The exact budget, a run for each trial, and a checkpoint that the launching process finds."""
    done = sweep.run(*SMALL, *more)
    assert done.returncode == 0, done.stdout + done.stderr
    trials = sweep.trials()
    assert len(trials) == 4
    assert {trial["state"] for trial in trials} <= {"complete", "pruned"}
    runs = sweep.runs("trial")
    assert {run.info.run_id for run in runs} == {trial["run_id"] for trial in trials}
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert "test, read once" in done.stdout


def test_slurm(sweep: Sweep) -> None:
    need_slurm()
    check_trained(sweep, "hydra/launcher=slurm", "hydra.launcher.cpus_per_task=1", "hydra.launcher.mem_gb=2")


def test_ray(sweep: Sweep, ray_address: str, rows_file: Path) -> None:
    """Relative paths hold in workers that begin elsewhere."""
    shutil.copy(rows_file, sweep.folder / "rows.jsonl")
    check_trained(
        sweep,
        "data.train_file=rows.jsonl",
        "hydra/launcher=ray_cluster",
        f"hydra.launcher.ray.init.address='{ray_address}'",
    )
