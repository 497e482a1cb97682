"""Seconds of a trial on one device and on several, at the same batch.

    python -m benchmarks.devices --out benchmarks/reports/devices.md

Each is `slimtune train`, once over few steps and once over many, the ways in turn: the difference is steps alone, and
what the few take beyond that is start, evaluation and end.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.models import MINILM
from benchmarks.report import add_out, header, publish, table

METHODS = ("lora", "full")


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--devices", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--methods", choices=METHODS, nargs="+", default=METHODS)
    parser.add_argument("--model", default=MINILM)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--steps", type=int, nargs=2, default=[10, 110], help="few and many")
    parser.add_argument("--rounds", type=int, default=3)
    add_out(parser)
    options = parser.parse_args()
    few, many = options.steps
    rows = []
    for method in options.methods:
        seconds: dict[tuple[int, int], list[float]] = {}
        for _ in range(options.rounds):
            for num_steps in (few, many):
                for number in options.devices:
                    taken = _seconds(method, number, num_steps, options)
                    seconds.setdefault((number, num_steps), []).append(taken)
        rows += _rows(method, {key: median(values) for key, values in seconds.items()}, options)
    note = (
        f"Tone phrases, batches of {options.batch_size} whatever the number of devices, {few} and {many} steps, "
        f"medians of {options.rounds} rounds."
    )
    columns = ("method", "devices", "ms a step", "relative to the first", "seconds besides")
    publish([*header("One trial on several devices", note), *table(columns, rows)], options.out)


def _rows(
    method: str, seconds: dict[tuple[int, int], float], options: argparse.Namespace
) -> Sequence[Sequence[object]]:
    few, many = options.steps
    step = {number: (seconds[number, many] - seconds[number, few]) / (many - few) for number in options.devices}
    first = step[options.devices[0]]
    return [
        (method, number, f"{1000 * one:.0f}", f"{one / first:.2f}", f"{seconds[number, few] - few * one:.1f}")
        for number, one in step.items()
    ]


def _seconds(method: str, number: int, num_steps: int, options: argparse.Namespace) -> float:
    with tempfile.TemporaryDirectory() as folder:
        given = overrides(method, number, num_steps, batch_size=options.batch_size, model=options.model)
        command = ["train", *given, f"hydra.run.dir={Path(folder) / 'trial'}"]
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "slimtune.sweeper.cli", *command], check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - started


def overrides(method: str, number: int, num_steps: int, *, batch_size: int, model: str = MINILM) -> list[str]:
    """A trial of so many steps on so many devices, which is evaluated at its end alone."""
    return [
        *("experiment=tone", f"method={method}", f"model.name_or_path={model}", f"fit.batch_size={batch_size}"),
        *(f"fit.devices={number}", f"fit.max_steps={num_steps}", f"fit.eval_steps={num_steps}", "fit.eval_every=null"),
        "tracking=none",
    ]


if __name__ == "__main__":
    main()
