"""Whether a long search stays as small and as quick as it begins: trials that do nothing, on several workers.

python -m benchmarks.soak --trials 2000 --workers 4 --out benchmarks/reports/soak.md
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import psutil

from benchmarks.report import add_out, header, publish, table
from slimtune.sweeper.study import TrialRecord, load_study_trials

APP = """
import hydra

@hydra.main(version_base="1.3", config_path=None, config_name=None)
def main(cfg):
    return float(cfg.x)

main()
"""
LOOK_SECONDS = 2.0


class Sample(NamedTuple):
    """What the processes held at a moment.

    Attributes:
        seconds: Since the start.
        launcher_mb: Of the launching process.
        worker_mb: Of the largest worker.
    """

    seconds: float
    launcher_mb: float
    worker_mb: float


def main() -> None:
    """Run the sweep and print tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--storage", help="URL of the study (default: SQLite)")
    add_out(parser)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        storage = options.storage or f"sqlite:///{name}/study.db"
        samples = _soak(Path(name), storage, options.trials, options.workers)
        trials = load_study_trials(storage, "soak").trials
    publish(
        [
            *header("A long search", f"{len(trials)} trials that do nothing, {options.workers} workers."),
            *table(("trials", "ended a second"), _rates(trials)),
            *table(("share of the time", "launching process, MB", "largest worker, MB"), _memory(samples)),
        ],
        options.out,
    )


def _soak(folder: Path, storage: str, num_trials: int, num_workers: int) -> list[Sample]:
    (folder / "app.py").write_text(APP)
    words = [
        *("-m", "hydra/sweeper=slimtune", "hydra/launcher=joblib", "hydra.sweep.dir=out", "+x=interval(0,1)"),
        *(f"hydra.sweeper.search.{key}" for key in (f"n_trials={num_trials}", f"num_workers={num_workers}")),
        *(f"hydra.sweeper.search.{key}" for key in ("direction=minimize", "name=soak", "sampler=random")),
        f"hydra.sweeper.search.storage='{storage}'",
    ]
    began, samples = time.monotonic(), []
    sweep = subprocess.Popen([sys.executable, "app.py", *words], cwd=folder, env=os.environ | {"OMP_NUM_THREADS": "1"})
    while sweep.poll() is None:
        samples += _sample(sweep.pid, began)
        time.sleep(LOOK_SECONDS)
    assert sweep.returncode == 0
    return samples


def _sample(pid: int, began: float) -> list[Sample]:
    try:
        process = psutil.Process(pid)
        own = process.memory_info().rss
        workers = [child.memory_info().rss for child in process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
    return [Sample(time.monotonic() - began, own / 1e6, max(workers, default=0) / 1e6)] if workers else []


def _rates(trials: Sequence[TrialRecord]) -> list[list[object]]:
    """A row for each tenth of the trials."""
    starts = sorted(trial.started for trial in trials if trial.started is not None)
    tenth = max(1, len(starts) // 10)
    parts = [starts[at : at + tenth + 1] for at in range(0, len(starts) - tenth, tenth)]
    return [
        [f"{index * tenth} to {(index + 1) * tenth}", f"{tenth / (part[-1] - part[0]).total_seconds():.1f}"]
        for index, part in enumerate(parts)
    ]


def _memory(samples: Sequence[Sample]) -> list[list[object]]:
    """A row for each fifth of the time."""
    fifth = max(1, len(samples) // 5)
    parts = [samples[at : at + fifth] for at in range(0, len(samples), fifth)][:5]
    return [
        [
            f"{index * 20} to {index * 20 + 20} %",
            f"{fmean(one.launcher_mb for one in part):.0f}",
            f"{fmean(one.worker_mb for one in part):.0f}",
        ]
        for index, part in enumerate(parts)
    ]


if __name__ == "__main__":
    main()
