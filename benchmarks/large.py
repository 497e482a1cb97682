"""Memory and speed of a Llama-shaped model by method and option: about 1B weights on a GPU, a smaller one on a CPU.

    python -m benchmarks.large --out benchmarks/reports/large.md
    python -m benchmarks.large --shape tiny --length 64     # seconds on any machine

The model is made from its config with random weights and Llama 3's vocabulary; each row of the table takes steps over
random prompts with answers, whose lengths have a long tail, in a process of its own. Tokens are counted without
padding; with `--peak-tflops` of the device, so is the share of its peak.
"""

import argparse
import multiprocessing
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch

from benchmarks.models import config_of, idle_trainer
from benchmarks.next_tokens import SHAPES, lengths_of, make_llama, workbench_of
from benchmarks.report import add_out, header, publish, table
from slimtune.training.engine.packing import gradients_alone, packable, packing_of


class Way(NamedTuple):
    """A row of the table.

    Attributes:
        given: Overrides.
        all_logits: Whether the logits of a whole batch are there, as before the loss was taken in chunks.
        products: Products of the model's weights that a token takes: forward, through, and for the weights.
    """

    given: tuple[str, ...]
    all_logits: bool = False
    products: int = 2


FORGOTTEN = "fit.gradient_checkpointing=true"
OWN_ROWS = "fit.row_packing=false"
SHARED_ROWS = "fit.row_packing=true"
WAYS: Mapping[str, Way] = {
    "full": Way(("method=full", SHARED_ROWS), products=3),
    "LoRA, all logits, rows of their own": Way(("method=lora", OWN_ROWS), all_logits=True),
    "LoRA, loss in chunks": Way(("method=lora", OWN_ROWS)),
    "LoRA, loss in chunks, shared rows": Way(("method=lora", SHARED_ROWS)),
    "LoRA, the same, layers compiled": Way(("method=lora", SHARED_ROWS, "fit.compile=true")),
    "LoRA, the same, activations forgotten": Way(("method=lora", SHARED_ROWS, FORGOTTEN)),
    "QLoRA, all logits, rows of their own": Way(("method=qlora", OWN_ROWS), all_logits=True),
    "QLoRA, loss in chunks, shared rows": Way(("method=qlora", SHARED_ROWS)),
    "QLoRA, the same, activations forgotten": Way(("method=qlora", SHARED_ROWS, FORGOTTEN)),
}


class Row(NamedTuple):
    """What a way takes."""

    peak_mb: float
    tokens_per_second: float
    padding: float


def main() -> None:
    """Measure and print a table."""
    cuda = torch.cuda.is_available()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", choices=SHAPES, default="1b" if cuda else "100m")
    parser.add_argument("--words", type=int, default=128_256)
    parser.add_argument("--rows", type=int, default=16)
    parser.add_argument("--length", type=int, default=1024 if cuda else 128)
    parser.add_argument("--steps", type=int, default=10 if cuda else 3)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--peak-tflops", type=float, help="of the device in the precision of the products")
    add_out(parser)
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as name, context.Pool(1, maxtasksperchild=1) as pool:
        num_weights = pool.apply(_make, (options.shape, name, options.words))
        rows = []
        for way in options.ways:
            row: Row = pool.apply(_measured, (way, name, vars(options)))
            rows.append(_told(way, row, num_weights, options.peak_tflops))
    shape = (
        f"batches of {options.rows} examples of up to {options.length} tokens, {options.steps} steps after the first"
    )
    note = f"Llama's shape with {num_weights / 1e6:,.0f} million weights and {options.words:,} words, {shape}."
    where = "of the GPU" if cuda else "of the process"
    share = ("share of the peak",) if options.peak_tflops else ()
    columns = ("method", f"peak MB {where}", "tokens a second", "padding", *share)
    publish([*header("A larger model", note), *table(columns, rows)], options.out)


def _told(way: str, row: Row, num_weights: int, peak_tflops: float | None) -> tuple[str, ...]:
    told = way, f"{row.peak_mb:,.0f}", f"{row.tokens_per_second:,.0f}", f"{row.padding:.0%}"
    if peak_tflops is None:
        return told
    tflops = 2 * WAYS[way].products * num_weights * row.tokens_per_second / 1e12
    return *told, f"{tflops / peak_tflops:.1%}"


def _make(shape: str, folder: str, words: int) -> int:
    return make_llama(SHAPES[shape], folder, num_words=words)


def _measured(way: str, folder: str, options: Mapping[str, Any]) -> Row:
    from slimtune.training.hardware.monitor import ResourceMonitor
    from slimtune.training.tasks.fused_loss import chunked_nats

    if WAYS[way].all_logits:
        chunked_nats.CHUNK_SCORES = dict.fromkeys(chunked_nats.CHUNK_SCORES, 1 << 62)
    sizes = (f"data.max_length={options['length']}", f"fit.batch_size={options['rows']}", "task=language_modelling")
    config = config_of(folder, "fit.slots=1", "fit.epochs=1000", *sizes, *WAYS[way].given)
    bench, resources = workbench_of(config, lengths_of("chats", length=options["length"], num_rows=64))
    usage = ResourceMonitor().follow()
    trainer = idle_trainer(config, bench, resources, Path(folder) / "trial")
    if packable(trainer) is not None:
        packing_of([trainer])
    tokens = filled = 0
    for step in range(options["steps"] + 1):
        if step == 1:
            started, tokens, filled = _now(), 0, 0
        gradients_alone(trainer)
        tokens, filled = tokens + trainer.num_tokens, filled + trainer.stepper.filled
        trainer.advance(None)
    seconds = _now() - started
    peaks = usage.peaks()
    peak_mb = peaks.get("fit/peak_gpu_memory_mb", peaks["fit/peak_memory_mb"])
    return Row(peak_mb, tokens / seconds, 1 - tokens / filled)


def _now() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


if __name__ == "__main__":
    main()
