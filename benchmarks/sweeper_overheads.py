"""What a search costs beside its trials: ask, report, tell on each storage, and an app that does nothing.

python -m benchmarks.sweeper_overheads --out benchmarks/reports/sweeper.md
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import NamedTuple

import optuna

from benchmarks import many_workers
from benchmarks.many_workers import SPACE, STEPS, spec_of
from benchmarks.report import add_out, header, publish, table
from benchmarks.storages import places
from slimtune.sweeper.study import Lease, Study
from slimtune.sweeper.study.distributions import distribution_of

ROUNDS, WORKERS, WORKERS_TRIALS = 12, 8, 200
APP = """
import hydra
@hydra.main(version_base="1.3", config_path=None, config_name=None)
def app(config):
    return 0.0
app()
"""


class Costs(NamedTuple):
    """Milliseconds, of the caller's thread; the median of some trials.

    Attributes:
        ask: Wall time of a suggestion.
        ask_cpu: Processor time of it.
        report: Wall time of a report, with the pruner's answer.
        report_cpu: Processor time of it.
        tell: Wall time of a trial's end, all that waits to be written included.
    """

    ask: float
    ask_cpu: float
    report: float
    report_cpu: float
    tell: float


class Seconds(NamedTuple):
    """Of one call, in the caller's thread.

    Attributes:
        wall: As a clock has it.
        cpu: Processor time.
    """

    wall: float
    cpu: float


def main() -> None:
    """Measure and print tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, nargs="+", default=[10, 100, 1000, 2000])
    parser.add_argument("--app-trials", type=int, nargs="+", default=[10, 60])
    add_out(parser)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        publish(list(lines(Path(name), options.trials, options.app_trials)), options.out)


def lines(folder: Path, sizes: Sequence[int], app_trials: Sequence[int]) -> Iterator[str]:
    """The report."""
    versions = f"SQLAlchemy {version('sqlalchemy')}, hydra-core {version('hydra-core')}"
    note = f"{versions}; load average {os.getloadavg()[0]:.1f} at the start: times are upper bounds where it is high."
    yield from header("What a search costs beside its trials", note)
    yield "ms, median of ten trials after so many; TPE (multivariate, groups), successive halving, four dimensions."
    yield ""
    rows = [
        [kind, size, *(f"{value:.2f}" for value in costs)]
        for kind, url in places(folder)
        for size, costs in costs_of(url, sizes)
    ]
    yield from table(["storage", "trials", "ask", "ask, CPU", "report", "report, CPU", "tell"], rows)
    yield from many_workers.lines(places(folder / "many"), WORKERS, WORKERS_TRIALS)
    yield "A Hydra app that does nothing, a trial, on SQLite (seconds of a run, less those of one trial):"
    yield ""
    rows = [[count, *(f"{1000 * seconds:.0f} ms" for seconds in app_costs(folder, count))] for count in app_trials]
    yield from table(["trials", "Hydra's basic sweeper", "slimtune, TPE"], rows)


def costs_of(url: str, sizes: Sequence[int]) -> Iterator[tuple[int, Costs]]:
    """What a trial costs after so many."""
    study = Study(spec_of(url, max(sizes) + len(sizes) * ROUNDS))
    for size in sorted(sizes):
        _fill(study, size)
        with Lease(study) as lease:
            found = [_trial(study, lease.worker) for _ in range(ROUNDS)]
        # the first ones read everything
        costs = Costs(*(1000 * median(column) for column in zip(*found[2:], strict=True)))
        print(url.partition(":")[0], size, costs, file=sys.stderr, flush=True)
        yield size, costs


def _fill(study: Study, size: int) -> None:
    rng = random.Random(0)
    kinds = {name: distribution_of(dimension) for name, dimension in SPACE.items()}
    for index in range(len(study.trials()), size):
        x, is_whole = rng.random(), rng.random() < 0.3
        trial = optuna.trial.create_trial(
            state=optuna.trial.TrialState.COMPLETE if is_whole else optuna.trial.TrialState.PRUNED,
            value=30 * x,
            params={"lr": 10 ** rng.uniform(-5, -2), "r": rng.randint(1, 64), "x": x, "c": rng.choice("ab")},
            distributions=kinds,
            intermediate_values={step: x * step for step in (STEPS if is_whole else STEPS[:1])},
            user_attrs={"worker": "w", "index": index, "progress": 0.75},
            system_attrs={"completed_rung_0": 10 * x, **({"completed_rung_1": 30 * x} if is_whole else {})},
        )
        study._study.add_trial(trial)


def _trial(study: Study, worker: str) -> Costs:
    ask, asked = _timed(lambda: study.ask(worker))
    reports = []
    for step in STEPS:
        seconds, verdict = _timed(
            lambda step=step: study.report(asked.number, step, asked.params["x"] * step, step / 40)
        )
        reports.append(seconds)
        if verdict.stop:
            break
    tell, _ = _timed(lambda: study.prune(asked.number) if verdict.stop else study.complete(asked.number, 30.0))
    return Costs(*ask, *(median(column) for column in zip(*reports, strict=True)), tell.wall)


def _timed(call: Callable[[], object]) -> tuple[Seconds, object]:
    wall, cpu = time.perf_counter(), time.thread_time()
    found = call()
    return Seconds(time.perf_counter() - wall, time.thread_time() - cpu), found


def app_costs(folder: Path, count: int) -> tuple[float, float]:
    """Seconds a trial of Hydra's basic sweeper and of slimtune, in turn."""
    app = folder / "app.py"
    app.write_text(APP, encoding="utf-8")
    own = ["hydra/sweeper=slimtune", "hydra.sweeper.direction=minimize", "+x=interval(0,1)"]
    found = []
    for words in (lambda n: [f"+x=range({n})"], lambda n: [*own, f"hydra.sweeper.n_trials={n}"]):
        found.append((_seconds(app, folder, words(count)) - _seconds(app, folder, words(1))) / max(1, count - 1))
    return found[0], found[1]


def _seconds(app: Path, folder: Path, words: Sequence[str]) -> float:
    began = time.perf_counter()
    place = f"hydra.sweep.dir={folder / uuid.uuid4().hex}"
    subprocess.run([sys.executable, str(app), "-m", place, *words], check=True, capture_output=True, cwd=folder)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
