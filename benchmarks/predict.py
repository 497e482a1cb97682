"""Rows a second of a bundle, beside transformers' pipeline and onnxruntime called by hand.

    python -m benchmarks.predict --trial outputs/tone/trials/1 --out benchmarks/reports/predict.md

All answer the same texts with the same fp32 weights. The pipeline runs in batches, over the texts as they come and
sorted by length (its documentation leaves that to the caller); the loop by hand pads batches of the same size as they
come. Contestants take turns.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import numpy as np
import onnxruntime
import torch
import transformers
from tokenizers import Tokenizer
from transformers import AutoTokenizer, pipeline

from benchmarks.report import add_out, header, publish, table
from slimtune import Predictor
from slimtune.export.checkpoint_formats.merged_checkpoint import save_merged
from slimtune.export.config import onnx_config
from slimtune.export.pipeline import export_checkpoint
from slimtune.training.checkpoints.checkpoint import open_checkpoint
from slimtune.training.checkpoints.find import find_checkpoint
from slimtune.training.methods import method_of
from slimtune.training.package_path import package_file

BATCH_SIZE = 32
DATA = "package:slimtune/training/data/corpora/tone.jsonl"
Answers = Callable[[Sequence[str]], list[str]]


def main() -> None:
    """Export, answer, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trial", required=True, help="folder of a trial of task=classification")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    add_out(parser)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    lines = Path(package_file(DATA)).read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["text"] for line in lines][: options.rows]
    with tempfile.TemporaryDirectory() as name:
        contestants = _contestants(Path(find_checkpoint(options.trial, None)), Path(name), options.threads)
        answers = {who: answer(texts) for who, answer in contestants.items()}
        seconds: dict[str, list[float]] = {who: [] for who in contestants}
        for _ in range(options.rounds):
            for who, answer in contestants.items():
                began = time.perf_counter()
                answer(texts)
                seconds[who].append(time.perf_counter() - began)
    first = next(iter(answers.values()))
    rate = {who: len(texts) / median(values) for who, values in seconds.items()}
    rows = [
        [who, f"{rate[who]:.0f}", f"{rate[who] / rate['slimtune, fp32']:.2f}", f"{_share(answers[who], first):.1%}"]
        for who in contestants
    ]
    note = (
        f"MiniLM on {len(texts)} texts of the tone data, batches of {BATCH_SIZE}, {options.threads} threads, medians "
        f"of {options.rounds} rounds; onnxruntime {onnxruntime.__version__}."
    )
    columns = ("", "rows a second", "relative to slimtune, fp32", "same labels")
    publish([*header("Answers of a model", note), *table(columns, rows)], options.out)


def _share(answers: Sequence[str], others: Sequence[str]) -> float:
    return float(np.mean([own == other for own, other in zip(answers, others, strict=True)]))


def _contestants(checkpoint: Path, folder: Path, threads: int) -> dict[str, Answers]:
    opened = open_checkpoint(checkpoint)
    merged = method_of(opened.config.method).merge(opened.model())
    save_merged(merged, AutoTokenizer.from_pretrained(checkpoint), folder / "merged")
    bundle = export_checkpoint(checkpoint, folder=folder / "export", config=onnx_config(variants=[])).bundle
    if bundle is None:
        raise SystemExit("the fp32 graph is not within the limits of an export")
    whole = folder / "merged"
    answer = pipeline("text-classification", model=str(whole), device=-1)
    return {
        "slimtune, fp32": _ours(bundle.folder),
        "transformers' pipeline, as they come": lambda texts: _piped(answer, texts),
        "transformers' pipeline, sorted by length": lambda texts: _sorted(lambda some: _piped(answer, some), texts),
        "onnxruntime by hand": _by_hand(bundle.folder, threads),
    }


def _ours(folder: Path) -> Answers:
    predictor = Predictor.open(folder)
    return lambda texts: [answer["prediction"] for answer in predictor.rows([{"text": text} for text in texts])]


def _piped(answer: transformers.Pipeline, texts: Sequence[str]) -> list[str]:
    return [found["label"] for found in answer(list(texts), batch_size=BATCH_SIZE, truncation=True)]


def _sorted(answers: Answers, texts: Sequence[str]) -> list[str]:
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    found = dict(zip(order, answers([texts[place] for place in order]), strict=True))
    return [found[place] for place in range(len(texts))]


def _by_hand(folder: Path, threads: int) -> Answers:
    """What one writes without a library: tokenizers, batches as they come, argmax."""
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(folder / "model.onnx", settings, providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    tokenizer.enable_truncation(manifest["max_length"])
    tokenizer.enable_padding(pad_id=manifest["pad_id"])
    names = {one.name for one in session.get_inputs()}

    def answers(texts: Sequence[str]) -> list[str]:
        found: list[str] = []
        for start in range(0, len(texts), BATCH_SIZE):
            encoded = tokenizer.encode_batch(list(texts[start : start + BATCH_SIZE]))
            fed = {
                "input_ids": np.array([one.ids for one in encoded], dtype=np.int64),
                "attention_mask": np.array([one.attention_mask for one in encoded], dtype=np.int64),
                "token_type_ids": np.array([one.type_ids for one in encoded], dtype=np.int64),
            }
            (logits,) = session.run(None, {name: value for name, value in fed.items() if name in names})
            found += [manifest["labels"][place] for place in logits.argmax(axis=-1)]
        return found

    return answers


if __name__ == "__main__":
    main()
