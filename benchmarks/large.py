"""Memory and speed of a Llama-shaped model by method: about 1B weights on a GPU, a smaller one on a CPU.

    python -m benchmarks.large --out benchmarks/reports/large.md

The model is made from its config with random weights; each method takes steps over random rows in a process of its own.
"""

import argparse
import multiprocessing
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from benchmarks.models import config_of, idle_trainer, workbench
from benchmarks.report import add_out, header, publish, table

# hidden and intermediate size, layers, heads, heads of keys and values: Llama 3.2 1B, and a quarter of its width
SHAPES = {"1b": (2048, 8192, 16, 32, 8), "100m": (768, 2048, 12, 12, 4)}
METHODS: dict[str, Sequence[str]] = {
    "full": ("method=full",),
    "LoRA": ("method=lora",),
    "LoRA, activations forgotten": ("method=lora", "fit.gradient_checkpointing=true"),
    "QLoRA": ("method=qlora",),
    "QLoRA, activations forgotten": ("method=qlora", "fit.gradient_checkpointing=true"),
}


class Row(NamedTuple):
    """What a method takes."""

    peak_mb: float
    tokens_per_second: float


def main() -> None:
    """Measure and print a table."""
    cuda = torch.cuda.is_available()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", choices=SHAPES, default="1b" if cuda else "100m")
    parser.add_argument("--rows", type=int, default=8 if cuda else 4)
    parser.add_argument("--length", type=int, default=512 if cuda else 128)
    parser.add_argument("--steps", type=int, default=10 if cuda else 3)
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    add_out(parser)
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as name, context.Pool(1, maxtasksperchild=1) as pool:
        num_weights = pool.apply(_make, (options.shape, name))
        rows = []
        for method in options.methods:
            row: Row = pool.apply(_measured, (method, name, vars(options)))
            rows.append((method, f"{row.peak_mb:,.0f}", f"{row.tokens_per_second:,.0f}"))
    shape = f"{options.rows} x {options.length} tokens, {options.steps} steps after the first"
    note = f"Llama's shape with {num_weights / 1e6:,.0f} million weights, {shape}."
    where = "of the GPU" if cuda else "of the process"
    columns = ("method", f"peak MB {where}", "tokens a second")
    publish([*header("A larger model", note), *table(columns, rows)], options.out)


def _make(shape: str, folder: str) -> int:
    from transformers import LlamaConfig, LlamaForCausalLM

    from benchmarks.models import MINILM
    from slimtune.training.models.loading import load_tokenizer

    tokenizer = load_tokenizer(config_of(MINILM).model)
    hidden, intermediate, layers, heads, pairs = SHAPES[shape]
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=intermediate,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=pairs,
        tie_word_embeddings=True,
        dtype=torch.bfloat16,
    )
    model = LlamaForCausalLM(config).to(torch.bfloat16)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return sum(parameter.numel() for parameter in model.parameters())


def _measured(method: str, folder: str, options: Mapping[str, Any]) -> Row:
    from slimtune.training.engine.packing import gradients_alone
    from slimtune.training.hardware.monitor import ResourceMonitor

    sizes = (f"data.max_length={options['length']}", f"fit.batch_size={options['rows']}")
    config = config_of(folder, "fit.slots=1", *sizes, *METHODS[method])
    bench, resources = workbench(config, length=options["length"], num_rows=64)
    usage = ResourceMonitor().follow()
    trainer = idle_trainer(config, bench, resources, Path(folder) / "trial")
    for step in range(options["steps"] + 1):
        if step == 1:
            started = _now()
        gradients_alone(trainer)
        trainer.advance(None)
    seconds = _now() - started
    peaks = usage.peaks()
    tokens = options["steps"] * options["rows"] * options["length"]
    return Row(peaks.get("fit/peak_gpu_memory_mb", peaks["fit/peak_memory_mb"]), tokens / seconds)


def _now() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


if __name__ == "__main__":
    main()
