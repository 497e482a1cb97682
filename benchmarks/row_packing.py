"""Steps whose examples share rows beside steps whose examples have rows of their own.

    python -m benchmarks.row_packing --out benchmarks/reports/row_packing.md

A Llama with random weights and LoRA on all linear layers; both ways take turns over the same batches.
"""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

import torch

from benchmarks.models import config_of, idle_trainer
from benchmarks.next_tokens import SHAPES, lengths_of, model_folder, workbench_of
from benchmarks.report import add_out, header, publish, table
from slimtune.training.engine.packing import gradients_alone, packable, packing_of
from slimtune.training.engine.trainer import TrialTrainer
from slimtune.training.tracking.reporter import Reporter
from slimtune.training.tracking.run import NullRun

KINDS = {"even": "all as long", "chats": "a long tail, most of them short"}
WORDS = {"false": "rows of their own", "true": "shared rows"}
NUM_ROWS = 256


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", choices=SHAPES, default="tiny")
    parser.add_argument("--words", type=int, default=8192)
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[8, 32])
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    add_out(parser)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        path = model_folder(Path(name), options.shape, num_words=options.words)
        for kind, said in KINDS.items():
            for size in options.batch_sizes:
                rows.append((said, size, *_measured(path, kind, size, Path(name), options)))
    note = f"Shape {options.shape}, up to {options.length} tokens, {options.threads} threads, {options.steps} steps."
    columns = (
        "lengths",
        "batch",
        "padding of own rows",
        "of shared rows",
        "ms a step, own rows",
        "shared rows",
        "auto",
    )
    publish([*header("Examples that share rows", note), *table(columns, rows)], options.out)


def _measured(path: str, kind: str, size: int, folder: Path, options: argparse.Namespace) -> tuple[str, ...]:
    trainers: dict[str, TrialTrainer] = {}
    for word in ("auto", *WORDS):
        given = ("method=lora", "fit.epochs=1000", "fit.slots=1", f"fit.batch_size={size}", f"fit.row_packing={word}")
        config = config_of(path, *given, f"data.max_length={options.length}", "task=language_modelling")
        bench, resources = workbench_of(config, lengths_of(kind, length=options.length, num_rows=NUM_ROWS))
        trainers[word] = idle_trainer(config, bench, resources, folder)
        if packable(trainers[word]) is not None:
            packing_of([trainers[word]])
    torch.set_num_threads(options.threads)
    seconds: dict[str, list[float]] = {word: [] for word in WORDS}
    filled, tokens = dict.fromkeys(WORDS, 0), dict.fromkeys(WORDS, 0)
    with Reporter(NullRun) as reporter:
        for _ in range(options.steps + 1):
            for word in WORDS:
                trainer, started = trainers[word], time.perf_counter()
                gradients_alone(trainer)
                filled[word] += trainer.stepper.filled
                tokens[word] += trainer.num_tokens
                trainer.advance(reporter)
                seconds[word].append(time.perf_counter() - started)
    padding = [f"{1 - tokens[word] / filled[word]:.0%}" for word in WORDS]
    ms = [f"{1000 * median(seconds[word][1:]):.0f}" for word in WORDS]
    return *padding, *ms, trainers["auto"].row_plan.told.replace("true", "shared").replace("false", "own")


if __name__ == "__main__":
    main()
