"""Trials per hour at 1, 2, 4 and 8 slots: how much it pays to train several trials in one pass over the base.

    python -m benchmarks.slots --out benchmarks/reports/slots.md

Rounds of all sizes alternate, so that a busy moment of the machine hits all alike; the table gives medians.
"""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

import torch

from benchmarks.models import config_of, idle_trainer, model_path, tick, workbench
from benchmarks.report import add_out, header, publish, table
from slimtune.training.engine.packing import packing_of
from slimtune.training.tracking.reporter import Reporter
from slimtune.training.tracking.run import NullRun

SLOTS = (1, 2, 4, 8)
SHAPES = (("minilm", 4, 32), ("minilm", 8, 32), ("minilm", 8, 128), ("llama", 4, 32), ("llama", 8, 128))


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ticks", type=int, default=8)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    add_out(parser)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        rows = [_row(Path(name), *shape, options) for shape in SHAPES]
    note = (
        f"Steps of trials per hour relative to one trial after the other; LoRA r 8 on all linear layers, "
        f"{options.threads} threads, medians of {options.rounds} rounds."
    )
    columns = ("model", "rows x tokens of a trial", "ms a step alone", *(f"{count} slots" for count in SLOTS[1:]))
    publish([*header("Trials per hour by slots", note), *table(columns, rows)], options.out)


def _row(folder: Path, model: str, batch_size: int, length: int, options: argparse.Namespace) -> list[object]:
    given = (f"fit.batch_size={batch_size}", "fit.epochs=1000", "method=lora", f"fit.threads={options.threads}")
    config = config_of(model_path(model, folder), *given)
    bench, resources = workbench(config, length=length)
    torch.set_num_threads(options.threads)
    # as many as a worker would have: those of one slot do not lie in a bank of eight
    groups = {count: [idle_trainer(config, bench, resources, folder) for _ in range(count)] for count in SLOTS}
    packings = {count: packing_of(trainers) for count, trainers in groups.items()}
    seconds: dict[int, list[float]] = {count: [] for count in SLOTS}
    with Reporter(NullRun) as reporter:
        for _ in range(options.rounds + 1):
            for count in SLOTS:
                started = time.perf_counter()
                for _ in range(options.ticks):
                    tick(packings[count], groups[count], reporter)
                if resources.device.type == "cuda":
                    torch.cuda.synchronize()
                seconds[count].append((time.perf_counter() - started) / options.ticks / count)
    # the first round warms up
    each = {count: median(values[1:]) for count, values in seconds.items()}
    gains = [f"{each[1] / each[count]:.2f}" for count in SLOTS[1:]]
    return [model, f"{batch_size} x {length}", f"{each[1] * 1000:.1f}", *gains]


if __name__ == "__main__":
    main()
