"""What a search costs beside its steps: start, time between trials, tracking, memory of slots.

python -m benchmarks.overheads --out benchmarks/reports/overheads.md
"""

import argparse
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.report import add_out, header, publish, table

READY = re.compile(r"ready ([\d.]+) s after")
PHASES = re.compile(r"worker: ([\d.]+) s, ([\d.]+)% training, ([\d.]+)% evaluation, ([\d.]+)% all else")
SLOTS = (1, 2, 4, 8)
START = (
    ("slimtune --help", ["-m", "slimtune.sweeper.cli", "--help"]),
    ("slimtune sweep with a config error", ["-m", "slimtune.sweeper.cli", "sweep", "experiment=tone", "fit.epochs=-1"]),
    ("import of the training engine", ["-c", "import slimtune.training.engine.engine"]),
)


def main() -> None:
    """Measure and print tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--slots", type=int, help=argparse.SUPPRESS)
    add_out(parser)
    options = parser.parse_args()
    if options.slots:
        _hold_slots(options.slots)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start = [[label, *_start(command, folder, options.rounds)] for label, command in START]
        between = [[tracking, *_between(tracking, folder, options.trials)] for tracking in ("none", "mlflow")]
        phases = [[label, *_phases(tracking, folder)] for label, tracking in (("none", "none"), ("MLflow", "mlflow"))]
        memory = [[count, _memory(count)] for count in SLOTS]
    publish(
        [
            *header("What a search costs beside its steps", f"Medians of {options.rounds} starts."),
            *table(("start", "CPU seconds", "wall seconds"), start),
            *table(("tracking", "ms from a trial's end to the next one's first step (median)", "(worst)"), between),
            *table(("a sweep's worker, tracking", "seconds", "training", "evaluation", "all else"), phases),
            *table(("slots, MiniLM, LoRA r 8, 16 x 64 tokens", "peak memory of the process, MB"), memory),
        ],
        options.out,
    )


def _start(command: list[str], folder: Path, rounds: int) -> list[str]:
    cpu, wall = [], []
    for _ in range(rounds):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        started = time.perf_counter()
        subprocess.run([sys.executable, *command], cwd=folder, capture_output=True, check=False)
        wall.append(time.perf_counter() - started)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return [f"{median(cpu):.2f}", f"{median(wall):.2f}"]


def _between(tracking: str, folder: Path, num_trials: int) -> list[str]:
    """Trials of a few steps each over MiniLM, one after the other in one worker; the first has none before it."""
    command = [
        *("-m", "slimtune.sweeper.cli", "sweep", "experiment=tone", "export=none", f"tracking={tracking}"),
        *(
            "fit.slots=1",
            "fit.max_steps=4",
            f"search.n_trials={num_trials}",
            "search.finalists=1",
            "search.rerun_seeds=0",
        ),
        f"search.name={tracking}",
    ]
    subprocess.run([sys.executable, *command], cwd=folder, check=True, capture_output=True)
    logs = "\n".join(path.read_text() for path in (folder / "outputs" / tracking).rglob("*.log"))
    ms = [1000 * float(seconds) for seconds in READY.findall(logs)]
    return [f"{median(ms):.0f}", f"{max(ms):.0f}"]


def _phases(tracking: str, folder: Path) -> list[str]:
    """Where the time of a worker goes in a sweep of the tone data, its base's load included."""
    name = f"phases-{tracking}"
    command = [
        *(
            "-m",
            "slimtune.sweeper.cli",
            "sweep",
            "experiment=tone",
            "export=none",
            f"tracking={tracking}",
            "fit.slots=1",
        ),
        *("search.n_trials=8", "search.finalists=1", "search.rerun_seeds=0", f"search.name={name}"),
    ]
    subprocess.run([sys.executable, *command], cwd=folder, check=True, capture_output=True)
    logs = "\n".join(path.read_text() for path in (folder / "outputs" / name).rglob("*.log"))
    found = max(PHASES.findall(logs), key=lambda groups: float(groups[0]))
    return [found[0], *(f"{share} %" for share in found[1:])]


def _memory(count: int) -> str:
    command = [sys.executable, "-m", "benchmarks.overheads", "--slots", str(count)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def _hold_slots(count: int) -> None:
    from benchmarks.models import MINILM, config_of, idle_trainer, tick, workbench
    from slimtune.training.engine.packing import packing_of
    from slimtune.training.tracking.reporter import Reporter
    from slimtune.training.tracking.run import NullRun

    config = config_of(MINILM, "method=lora", "fit.batch_size=16", "fit.epochs=1000")
    bench, resources = workbench(config, length=64)
    with tempfile.TemporaryDirectory() as name:
        trainers = [idle_trainer(config, bench, resources, Path(name)) for _ in range(count)]
        packing = packing_of(trainers)
        with Reporter(NullRun) as reporter:
            for _ in range(4):
                tick(packing, trainers, reporter)
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}")


if __name__ == "__main__":
    main()
