"""What torch.compile costs and saves: a model as written, compiled whole, and its layers compiled.

    python -m benchmarks.compiled --out benchmarks/reports/compiled.md

Each in a process of its own, with a compiler's cache of its own that is empty before. LoRA on all linear layers.
"""

import argparse
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch

from benchmarks.models import config_of, idle_trainer, model_path, workbench
from benchmarks.report import add_out, header, publish, table
from slimtune.training.engine.compile import compile_training
from slimtune.training.engine.packing import gradients_alone


class Row(NamedTuple):
    """What a way takes."""

    first_seconds: float
    ms: float


def _as_written(_: Any) -> None: ...


def _whole(model: Any) -> None:
    model.compile(dynamic=True)


WAYS: Mapping[str, Callable[[Any], None]] = {"as written": _as_written, "whole": _whole, "layers": compile_training}


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=["minilm", "llama"])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--rows", type=int, default=16)
    parser.add_argument("--length", type=int, default=32)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    add_out(parser)
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    rows = []
    with tempfile.TemporaryDirectory() as name, context.Pool(1, maxtasksperchild=1) as pool:
        for model in options.models:
            path = model_path(model, Path(name))
            for way in options.ways:
                row: Row = pool.apply(_measured, (path, way, name, vars(options)))
                rows.append((model, way, f"{row.first_seconds:.0f}", f"{row.ms:.0f}"))
    note = f"{options.rows} x {options.length} tokens, {options.threads} threads, medians of {options.steps} steps."
    columns = ("model", "compiled", "seconds of the first two steps", "ms a step")
    publish([*header("Compiled models and layers", note), *table(columns, rows)], options.out)


def _measured(path: str, way: str, folder: str, options: Mapping[str, Any]) -> Row:
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = tempfile.mkdtemp(dir=folder)
    config = config_of(path, "method=lora", "fit.slots=1", f"fit.batch_size={options['rows']}", "fit.epochs=1000")
    bench, resources = workbench(config, length=options["length"])
    trainer = idle_trainer(config, bench, resources, Path(folder))
    torch.set_num_threads(options["threads"])
    WAYS[way](trainer.model)
    seconds = []
    for _ in range(options["steps"] + 2):
        started = time.perf_counter()
        gradients_alone(trainer)
        trainer.advance(None)
        seconds.append(time.perf_counter() - started)
    return Row(sum(seconds[:2]), 1000 * median(seconds[2:]))


if __name__ == "__main__":
    main()
