"""The data report of what is about to be trained on."""

import json
import os
from pathlib import Path

import numpy as np

from training.baselines import unigram_perplexity
from training.batches import IGNORED, Split
from training.data_report import DataReport, Findings, Rows, make_report
from training.workbench import Data

FILE = "data_report.json"


def report_of(data: Data) -> DataReport:
    """Rows, lengths, classes, leaks and baselines of the data."""
    splits = data.splits
    named = {name: examples for name, examples in splits.named().items() if examples}
    has_labels = data.config.task.name == "classification" and not any(one.labels for one in splits.train)
    findings = Findings(
        num_empty=splits.num_empty,
        num_duplicates=splits.num_duplicates,
        leaks_exact=splits.num_leaked,
        leaks_near=len(splits.near_leaks),
        leak_examples=splits.near_leaks[:5],
        leaks_removed=splits.near_dropped,
    )
    rows = Rows(
        texts={name: [f"{one.text} {one.pair}".strip() for one in examples] for name, examples in named.items()},
        labels={name: [one.label for one in examples] for name, examples in named.items()} if has_labels else None,
        lengths={name: split.encoded.uncut_lengths() for name, split in data.encoded.items()},
    )
    baselines = None if has_labels else _next_token_baselines(data)
    return make_report(rows, max_length=data.config.data.max_length, findings=findings, baselines=baselines)


def write_report(report: DataReport, folder: Path) -> Path:
    """Write it as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f".{FILE}.aside"
    aside.write_text(json.dumps(report.as_dict(), indent=1, ensure_ascii=False), encoding="utf-8")
    os.replace(aside, folder / FILE)
    return folder / FILE


def _next_token_baselines(data: Data) -> dict[str, float]:
    """Perplexity of token counts, for tasks that write text."""
    if "labels" not in data.encoded["train"].encoded.columns or data.task.labels:
        return {}
    train, validation = (_targets(data.encoded[name]) for name in ("train", "validation"))
    return {"unigram_perplexity": unigram_perplexity(train, validation, len(data.tokenizer))}


def _targets(split: Split) -> np.ndarray:
    ids_T: np.ndarray = split.encoded.columns["labels"].values_T
    return np.asarray(ids_T[ids_T != IGNORED])
