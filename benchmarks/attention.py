"""Eager attention beside SDPA in training, by length: what `model.attention=auto` goes by.

    python -m benchmarks.attention --out benchmarks/reports/attention.md

Batches have about the same number of tokens. Both take turns; the table gives medians.
"""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

import torch

from benchmarks.models import config_of, idle_trainer, model_path, workbench
from benchmarks.report import add_out, header, publish, table
from slimtune.training.engine.packing import gradients_alone
from slimtune.training.engine.trainer import TrialTrainer
from slimtune.training.tracking.reporter import Reporter
from slimtune.training.tracking.run import NullRun

TOKENS = 2048
LENGTHS = (32, 64, 128, 256, 512)
IMPLEMENTATIONS = ("eager", "sdpa")


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--models", nargs="+", default=["minilm", "llama"])
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    add_out(parser)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for model in options.models:
            for length in LENGTHS:
                ms = _measure(model_path(model, Path(name)), length, Path(name), options)
                shape = f"{TOKENS // length} x {length}"
                rows.append(
                    (model, shape, *(f"{ms[one]:.0f}" for one in IMPLEMENTATIONS), f"{ms['sdpa'] / ms['eager']:.2f}")
                )
    note = (
        f"LoRA r 8 on all linear layers, {options.precision}, {options.threads} threads, medians of {options.rounds} "
        "rounds."
    )
    columns = ("model", "rows x tokens", "eager, ms a step", "SDPA, ms a step", "SDPA relative to eager")
    publish([*header("Attention by length", note), *table(columns, rows)], options.out)


def _measure(path: str, length: int, folder: Path, options: argparse.Namespace) -> dict[str, float]:
    trainers: dict[str, TrialTrainer] = {}
    for name in IMPLEMENTATIONS:
        given = (
            "method=lora",
            f"model.attention={name}",
            f"fit.batch_size={TOKENS // length}",
            f"fit.precision={options.precision}",
            "fit.epochs=1000",
        )
        config = config_of(path, *given)
        bench, resources = workbench(config, length=length)
        trainers[name] = idle_trainer(config, bench, resources, folder)
    torch.set_num_threads(options.threads)
    seconds: dict[str, list[float]] = {name: [] for name in IMPLEMENTATIONS}
    with Reporter(NullRun) as reporter:
        for _ in range(options.rounds + 1):
            for name, trainer in trainers.items():
                started = time.perf_counter()
                for _ in range(options.steps):
                    gradients_alone(trainer)
                    trainer.advance(reporter)
                seconds[name].append((time.perf_counter() - started) / options.steps)
    # the first round warms up
    return {name: 1000 * median(values[1:]) for name, values in seconds.items()}


if __name__ == "__main__":
    main()
