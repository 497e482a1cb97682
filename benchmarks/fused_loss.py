"""Memory and time of the loss of next tokens over a large vocabulary: all logits, in chunks, and PyTorch's own way.

    python -m benchmarks.fused_loss --out benchmarks/reports/fused_loss.md

Each is measured once in a process of its own, after a small one that makes what is lazily made. Memory is what the
process takes at its most beyond what it had before, the gradients that it ends with included.
"""

import argparse
import multiprocessing
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch.nn import LinearCrossEntropyOptions
from torch.nn.functional import cross_entropy, linear, linear_cross_entropy

from benchmarks.report import add_out, header, publish, table
from slimtune.training.tasks.fused_loss.chunked_nats import OutputLayer, chunked_nats

# words of Llama 3, and of BERT
VOCABULARIES = (128_256, 30_522)
DTYPES = ("float32", "bfloat16")


class Row(NamedTuple):
    """What a way takes."""

    peak_mb: float
    seconds: float
    nats: float


def _all_logits(hidden: torch.Tensor, weight: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return cross_entropy(linear(hidden, weight).float(), labels, reduction="sum")


def _in_chunks(hidden: torch.Tensor, weight: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return chunked_nats(hidden, OutputLayer(weight, None), labels).sum()


def _pytorch(hidden: torch.Tensor, weight: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return linear_cross_entropy(hidden, weight, labels, reduction="sum", options=LinearCrossEntropyOptions())


WAYS: Mapping[str, Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "all logits": _all_logits,
    "in chunks": _in_chunks,
    "linear_cross_entropy": _pytorch,
}


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    add_out(parser)
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    rows = []
    with context.Pool(1, maxtasksperchild=1) as pool:
        for words in VOCABULARIES:
            for trained in (False, True):
                for dtype in DTYPES:
                    # over a trained head PyTorch's own takes minutes on a CPU
                    for way in list(WAYS)[: 2 if trained else 3]:
                        row: Row = pool.apply(_measured, (way, words, dtype, trained, vars(options)))
                        numbers = f"{row.peak_mb:,.0f}", f"{row.seconds:.2f}", f"{row.nats:.4f}"
                        rows.append((f"{words:,}", "trained" if trained else "frozen", dtype, way, *numbers))
    note = f"{options.tokens} answer tokens, width {options.width}, on {options.device}, {options.threads} threads."
    columns = ("words", "head", "products in", "way", "peak MB", "seconds, forward and backward", "nats a token")
    publish([*header("The loss of next tokens", note), *table(columns, rows)], options.out)


def _measured(way: str, words: int, dtype: str, trained: bool, options: Mapping[str, Any]) -> Row:
    torch.manual_seed(0)
    torch.set_num_threads(options["threads"])
    device, tokens, width = torch.device(options["device"]), options["tokens"], options["width"]
    kind = getattr(torch, dtype)
    hidden = torch.randn(tokens, width).to(device, kind).requires_grad_()
    weight = (torch.randn(words, width) / width**0.5).to(device, kind).requires_grad_(trained)
    labels = torch.randint(words, (tokens,)).to(device)
    # what is lazily made, over few words
    WAYS[way](hidden[:8], weight[:64].detach(), labels[:8] % 64).backward()
    hidden.grad = None
    before = _now_mb(device)
    started = _now(device)
    nats = WAYS[way](hidden, weight, labels)
    nats.backward()
    seconds = _now(device) - started
    return Row(_peak_mb(device) - before, seconds, nats.item() / tokens)


def _peak_mb(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    return _of_process("VmHWM")


def _now_mb(device: torch.device) -> float:
    """What is taken now; the peak begins there."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return torch.cuda.memory_allocated(device) / 1e6
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _of_process("VmRSS")


def _of_process(name: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(name)) / 1e3


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


if __name__ == "__main__":
    main()
