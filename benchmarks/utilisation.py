"""How busy four workers are while some trials take six times as long as others: asynchronous beside batches.

    python -m benchmarks.utilisation

24 trials sleep, every fourth for 6 s and the others for 1 s, so that the machine's cores do not matter. The ideal is
a schedule without any overhead in which a free worker takes the next trial. Time counts from the first trial's start to
the last one's end; what it takes to start the workers is told beside it. Hydra's Optuna sweeper and Ray Tune take part
where `hydra-optuna-sweeper` (which needs an Optuna before 5) and `ray[tune]` are installed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from heapq import heapify, heapreplace
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from benchmarks.report import add_out, header, publish, table

NUM_TRIALS, NUM_WORKERS = 24, 4
SLOW, QUICK, EVERY = 6.0, 1.0, 4

APP = """
import json, os, time
import hydra

@hydra.main(version_base=None, config_path="conf", config_name="app")
def app(cfg):
    began = time.time()
    time.sleep(cfg.slow if cfg.x % cfg.every == 0 else cfg.quick)
    with open(cfg.log, "a") as log:
        log.write(json.dumps([cfg.x, began, time.time()]) + chr(10))
    return float(cfg.x)

app()
"""
CONFIG = """
defaults:
  - override hydra/sweeper: {sweeper}
  - override hydra/launcher: joblib
hydra:
  launcher: {{n_jobs: {workers}}}
  sweeper:
    direction: minimize
    n_trials: {trials}
    n_jobs: {workers}
    params: {{x: "range(0,{trials})"}}
x: 0
slow: {slow}
quick: {quick}
every: {every}
log: {log}
"""


class Nap(NamedTuple):
    """A trial: which one, and when it began and ended, in seconds of the clock."""

    x: int
    began: float
    ended: float


def main() -> None:
    """Run each contestant once."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_out(parser)
    publish(report(), parser.parse_args().out)


def report() -> list[str]:
    """The table in Markdown."""
    rows = [_row(label, run) for label, run in _contestants().items()]
    note = f"{NUM_TRIALS} trials, every {EVERY}th of {SLOW:g} s, the others of {QUICK:g} s, {NUM_WORKERS} workers."
    columns = (
        "search",
        "first start to last end, s",
        "the ideal for this order, s",
        "share of the ideal",
        "all in all, s",
    )
    return [*header("How busy the workers are", note), *table(columns, rows)]


def _contestants() -> dict[str, Callable[[Path], None]]:
    found: dict[str, Callable[[Path], None]] = {
        "slimtune, joblib launcher": lambda folder: _run_app(folder, "slimtune"),
        "batches of four, joblib alone": _run_batches,
    }
    if find_spec("hydra_plugins") and find_spec("hydra_plugins.hydra_optuna_sweeper"):
        found["Hydra's Optuna sweeper, joblib launcher"] = lambda folder: _run_app(folder, "optuna")
    if find_spec("ray") and find_spec("ray.tune"):
        found["Ray Tune"] = _run_ray
    return found


def _row(label: str, run: Callable[[Path], None]) -> Sequence[object]:
    with tempfile.TemporaryDirectory() as name:
        began = time.time()
        run(Path(name))
        whole = time.time() - began
        naps = [Nap(*json.loads(line)) for line in (Path(name) / "naps").read_text().splitlines()]
    assert len(naps) == NUM_TRIALS, f"{label}: {len(naps)} of {NUM_TRIALS} trials"
    took = max(nap.ended for nap in naps) - min(nap.began for nap in naps)
    ideal = _ideal([nap.x for nap in sorted(naps, key=lambda nap: nap.began)])
    return [label, f"{took:.1f}", f"{ideal:.1f}", f"{ideal / took:.2f}", f"{whole:.1f}"]


def _seconds(x: int) -> float:
    return SLOW if x % EVERY == 0 else QUICK


def _ideal(order: Sequence[int]) -> float:
    """Seconds of a schedule in which a free worker takes the next trial at once."""
    free_at = [0.0] * NUM_WORKERS
    heapify(free_at)
    for x in order:
        heapreplace(free_at, free_at[0] + _seconds(x))
    return max(free_at)


def _run_app(folder: Path, sweeper: str) -> None:
    (folder / "conf").mkdir()
    (folder / "app.py").write_text(APP)
    sizes = {"trials": NUM_TRIALS, "workers": NUM_WORKERS, "slow": SLOW, "quick": QUICK, "every": EVERY}
    (folder / "conf" / "app.yaml").write_text(CONFIG.format(sweeper=sweeper, log=folder / "naps", **sizes))
    given = ["--multirun", f"hydra.sweep.dir={folder / 'out'}"]
    subprocess.run([sys.executable, "app.py", *given], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def _nap(x: int, log: Path) -> None:
    began = time.time()
    time.sleep(_seconds(x))
    with log.open("a") as file:
        file.write(json.dumps([x, began, time.time()]) + "\n")


def _run_batches(folder: Path) -> None:
    from joblib import Parallel, delayed

    with Parallel(n_jobs=NUM_WORKERS) as parallel:
        for first in range(0, NUM_TRIALS, NUM_WORKERS):
            parallel(delayed(_nap)(x, folder / "naps") for x in range(first, first + NUM_WORKERS))


def _run_ray(folder: Path) -> None:
    # it copies loggers and results between folders otherwise, and tells its makers
    os.environ |= {"TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1", "RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS": "0"}
    import ray
    from ray import tune

    log = folder / "naps"

    def trial(config: dict[str, int]) -> dict[str, float]:
        _nap(config["x"], log)
        return {"score": float(config["x"])}

    # its actors print what is ignored at their end
    ray.init(num_cpus=NUM_WORKERS, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    space = {"x": tune.grid_search(list(range(NUM_TRIALS)))}
    tune.Tuner(
        tune.with_resources(trial, {"cpu": 1}),
        param_space=space,
        # without it each trial begins with a process of its own
        tune_config=tune.TuneConfig(reuse_actors=True, max_concurrent_trials=NUM_WORKERS),
        run_config=tune.RunConfig(
            storage_path=str(folder / "ray"),
            verbose=0,
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
        ),
    ).fit()
    ray.shutdown()


if __name__ == "__main__":
    main()
