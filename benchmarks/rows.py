"""From a file of rows to the first step: slimtune, once more from its cache, and `datasets.map` with the Trainer.

    python -m benchmarks.rows --rows 10000 50000 190000 --out benchmarks/reports/rows.md

Rows are written for this: words of Python's own library, some of them by class. Each contestant is a process of its
own, timed from its start; memory is the most that it had.
"""

import argparse
import importlib
import multiprocessing
import os
import re
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.report import add_out, header, publish, table

NUM_CLASSES, WORDS_OF_CLASS, OWN_SHARE = 52, 60, 0.12
VOCABULARY, WRITTEN_ROWS = 20_000, 50_000
BATCH_SIZE, MAX_LENGTH = 16, 128


class Cost(NamedTuple):
    """What it took until the first step was done."""

    seconds: float
    cpu_seconds: float
    peak_mb: float


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 50_000, 190_000])
    parser.add_argument("--words", type=int, default=18, help="of a row, on average")
    parser.add_argument("--kind", choices=("csv", "parquet"), default="csv")
    parser.add_argument("--folder", type=Path, help="for rows and caches; a temporary one otherwise")
    parser.add_argument("--contestants", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    add_out(parser)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        rows = [
            (f"{num_rows:,}", f"{path.stat().st_size / 1e6:,.0f}", contestant, *_shown(cost))
            for num_rows in options.rows
            for path in [_written(Path(name) / f"{num_rows}.{options.kind}", num_rows, options.words)]
            for contestant in options.contestants
            for cost in [_apart(CONTESTANTS[contestant], path)]
        ]
    note = (
        f"{NUM_CLASSES} classes, {options.words} words a row, {options.kind}; MiniLM, LoRA, batches of {BATCH_SIZE}. "
        "The preparation parses, finds duplicates and rows that are nearly the same, splits, tokenizes, and trains a "
        "simple model to compare with; the peer tokenizes and splits. Others may have used the machine too: see CPU "
        "seconds."
    )
    columns = ("rows", "MB", "contestant", "seconds to the first step", "CPU seconds", "peak MB")
    publish([*header("Many rows", note), *table(columns, rows)], options.out)


def _shown(cost: Cost) -> tuple[str, str, str]:
    return f"{cost.seconds:,.1f}", f"{cost.cpu_seconds:,.1f}", f"{cost.peak_mb:,.0f}"


def _apart(contestant: str, path: Path) -> Cost:
    started = time.time()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        cost: Cost = pool.apply(_timed, (contestant, str(path), started))
    return cost


def _timed(contestant: str, path: str, started: float) -> Cost:
    run: Callable[[Path], None] = getattr(importlib.import_module("benchmarks.rows"), contestant)
    run(Path(path))
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(one.ru_utime + one.ru_stime for one in usage)
    return Cost(time.time() - started, cpu, usage[0].ru_maxrss / 1000)


def plain_step(path: Path) -> None:
    """The same with the stages left out that the peer has not."""
    slimtune_step(path, "data.near_duplicates=false", "data.baselines=false", f"data.cache_dir={path.parent / 'plain'}")


def slimtune_step(path: Path, *more: str) -> None:
    """Prepare as `slimtune train` does, and take a step."""
    from rich.console import Console

    from benchmarks.models import MINILM, config_of, idle_trainer
    from slimtune.sweeper.campaigns.preparation import prepare
    from slimtune.sweeper.reporting.stages.stage_lines import stages_shown
    from slimtune.training.engine.packing import gradients_alone
    from slimtune.training.hardware.resources import resolve
    from slimtune.training.workbench.workbench import Workbenches

    given = (f"data.train_file={path}", f"data.cache_dir={path.parent / 'cache'}", f"fit.batch_size={BATCH_SIZE}")
    config = config_of(MINILM, *given, f"data.max_length={MAX_LENGTH}", *more)
    benches, resources = Workbenches(), resolve(config.fit)
    with stages_shown(Console(stderr=True)):
        prepare(config, read=benches.read)
    benches.read.release()
    trainer = idle_trainer(config, benches.get(config, resources), resources, path.parent / f"trial {os.getpid()}")
    gradients_alone(trainer)
    trainer.advance(None)


def trainer_step(path: Path) -> None:
    """`load_dataset`, a batched `map`, a split, and the Trainer with peft."""
    from datasets import load_dataset
    from peft import LoraConfig, get_peft_model
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
    )

    from benchmarks.trainer_peer import MODEL
    from slimtune.training.package_path import package_file

    tokenizer = AutoTokenizer.from_pretrained(package_file(MODEL))
    kind = path.suffix.removeprefix(".")
    data = load_dataset(kind, data_files=str(path), cache_dir=str(path.parent / f"hf {os.getpid()}"))["train"]
    data = data.class_encode_column("label").train_test_split(0.3, stratify_by_column="label", seed=0)["train"]
    data = data.map(lambda rows: tokenizer(rows["text"], truncation=True, max_length=MAX_LENGTH), batched=True)
    model = AutoModelForSequenceClassification.from_pretrained(package_file(MODEL), num_labels=NUM_CLASSES)
    model = get_peft_model(model, LoraConfig(task_type="SEQ_CLS", r=8, lora_alpha=16, target_modules="all-linear"))
    arguments = TrainingArguments(
        output_dir=str(path.parent / f"trainer {os.getpid()}"),
        max_steps=1,
        per_device_train_batch_size=BATCH_SIZE,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    collator = DataCollatorWithPadding(tokenizer)
    Trainer(model, arguments, data_collator=collator, train_dataset=data).train()


CONTESTANTS = {
    "slimtune": "slimtune_step",
    "slimtune, from the cache": "slimtune_step",
    "slimtune, without looking for near duplicates or training baselines": "plain_step",
    "datasets.map and the Trainer": "trainer_step",
}


def _written(path: Path, num_rows: int, mean_words: int) -> Path:
    import pyarrow as pa
    from pyarrow import csv, parquet

    schema = pa.schema([("text", pa.string()), ("label", pa.string())])
    writer: Any = csv.CSVWriter if path.suffix == ".csv" else parquet.ParquetWriter
    with writer(str(path), schema) as out:
        for part in _rows(num_rows, mean_words):
            out.write_table(pa.table([list(column) for column in zip(*part, strict=True)], schema=schema))
    return path


def _rows(num_rows: int, mean_words: int) -> Iterator[list[tuple[str, str]]]:
    """Texts and labels: a class has words of its own among those that all have, by Zipf's law."""
    generator, words = np.random.default_rng(0), _words()
    shares_V = 1 / np.arange(1, len(words) + 1)
    bounds_V = np.cumsum(shares_V / shares_V.sum())
    own_CW = generator.integers(0, len(words), (NUM_CLASSES, WORDS_OF_CLASS))
    for at in range(0, num_rows, WRITTEN_ROWS):
        count = min(WRITTEN_ROWS, num_rows - at)
        lengths_N = np.maximum(generator.poisson(mean_words, count), 4)
        classes_N = generator.integers(0, NUM_CLASSES, count)
        ids_T = np.searchsorted(bounds_V, generator.random(lengths_N.sum())).clip(max=len(words) - 1)
        own_T = own_CW[np.repeat(classes_N, lengths_N), generator.integers(0, WORDS_OF_CLASS, len(ids_T))]
        ids_T = np.where(generator.random(len(ids_T)) < OWN_SHARE, own_T, ids_T)
        texts = np.split(words[ids_T], np.cumsum(lengths_N)[:-1])
        yield [(" ".join(text), f"class {number}") for text, number in zip(texts, classes_N, strict=True)]


def _words() -> np.ndarray:
    """Words of the standard library, the most frequent first."""
    from slimtune.training.data.readers.reader import iter_rows

    counts: dict[str, int] = {}
    for row in iter_rows("python:sources"):
        for word in re.findall(r"[a-z]{2,14}", str(row).lower()):
            counts[word] = counts.get(word, 0) + 1
    most: Sequence[str] = sorted(counts, key=lambda word: (-counts[word], word))[:VOCABULARY]
    return np.array(most, dtype=object)


if __name__ == "__main__":
    main()
