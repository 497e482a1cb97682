"""Milliseconds of a training step: ours, transformers' Trainer and a loop written by hand, beside the GEMM floor.

    python -m benchmarks.step --out benchmarks/reports/step.md

The floor is the time that the step's matrix products with frozen weights take by themselves (forward and input
gradient, the shapes of each linear layer), measured on this machine in the same arithmetic. Contestants take turns, so
that a busy moment hits all alike; the table gives medians. Rows are random tokens of one length: nobody pads.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch
from peft import LoraConfig, get_peft_model
from torch import nn
from transformers import AutoModelForSequenceClassification, Trainer, TrainerCallback, TrainingArguments

from benchmarks.models import LABELS, config_of, idle_trainer, model_path, random_split, workbench
from benchmarks.report import add_out, header, publish, table
from slimtune.training.engine.packing import gradients_alone, packing_of
from slimtune.training.hardware.precision import has_native_bf16
from slimtune.training.package_path import package_file
from slimtune.training.tracking.reporter import Reporter
from slimtune.training.tracking.run import NullRun

SHAPES = (("minilm", 8, 32), ("minilm", 32, 32), ("minilm", 16, 128), ("llama", 16, 64))
RANK = 8


class Shape(NamedTuple):
    """What is measured: a model, the rows and tokens of a batch, and the arithmetic."""

    model: str
    path: str
    batch_size: int
    length: int
    precision: str


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--compiled", action="store_true", help="with torch.compile too, which takes minutes a model")
    add_out(parser)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    precisions = ("fp32", "bf16") if has_native_bf16(device) else ("fp32",)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for model, batch_size, length in SHAPES:
            for precision in precisions:
                shape = Shape(model, model_path(model, Path(name)), batch_size, length, precision)
                rows += _rows(Path(name), shape, options)
    note = (
        f"LoRA r {RANK} on all linear layers, AdamW, clipping, no dropout, {options.threads} threads, medians of "
        f"{options.rounds} rounds of {options.steps} steps."
    )
    if precisions == ("fp32",):
        note += " This machine does not multiply bf16 natively, so only fp32 is compared."
    if device.type != "cuda":
        note += " Steps as CUDA graphs take a GPU, which this machine lacks."
    columns = ("model", "rows x tokens", "precision", "", "ms a step", "share of the floor", "relative to slimtune")
    publish([*header("A training step", note), *table(columns, rows)], options.out)


def _rows(folder: Path, shape: Shape, options: argparse.Namespace) -> list[list[object]]:
    on_cuda = torch.cuda.is_available()
    contestants = {
        "slimtune": _ours(shape, folder, "fit.cuda_graphs=false"),
        **({"slimtune, CUDA graphs": _ours(shape, folder, "fit.cuda_graphs=auto")} if on_cuda else {}),
        **({"slimtune, compiled": _ours(shape, folder, "fit.compile=true")} if options.compiled else {}),
        "Trainer": _trainer(shape, folder),
        "loop by hand": _loop(shape, folder),
        "floor": _floor(shape),
    }
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(options.rounds + 1):
        for name, run in contestants.items():
            torch.set_num_threads(options.threads)
            seconds[name].append(run(options.steps))
    # the first round warms up
    ms = {name: 1000 * median(values[1:]) for name, values in seconds.items()}
    floor = ms.pop("floor")
    size = f"{shape.batch_size} x {shape.length}"
    return [
        [
            shape.model,
            size,
            shape.precision,
            name,
            f"{value:.1f}",
            f"{floor / value:.2f}",
            f"{value / ms['slimtune']:.2f}",
        ]
        for name, value in ms.items()
    ]


def _ours(shape: Shape, folder: Path, *more: str) -> Callable[[int], float]:
    config = config_of(
        shape.path,
        "method=lora",
        f"method.r={RANK}",
        "method.modules_to_save=[]",
        f"fit.batch_size={shape.batch_size}",
        f"fit.precision={shape.precision}",
        "fit.epochs=1000",
        *more,
    )
    bench, resources = workbench(config, length=shape.length)
    trainer = idle_trainer(config, bench, resources, folder)
    if not trainer.is_compiled:
        # as a worker takes it
        packing_of([trainer])
    reporter = Reporter(NullRun)

    def run(num_steps: int) -> float:
        started = time.perf_counter()
        for _ in range(num_steps):
            gradients_alone(trainer)
            trainer.advance(reporter)
        return (time.perf_counter() - started) / num_steps

    return run


def _peft_model(shape: Shape) -> Any:
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_pretrained(package_file(shape.path), num_labels=len(LABELS))
    model.config.pad_token_id = 0
    for part in model.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
    settings = LoraConfig(task_type="SEQ_CLS", r=RANK, lora_alpha=2 * RANK, target_modules="all-linear")
    return get_peft_model(model, settings)


def _rows_of(shape: Shape) -> list[dict[str, Any]]:
    split = random_split(length=shape.length, num_rows=1024)
    return [
        {
            "input_ids": split.encoded.row(index).tolist(),
            "attention_mask": [1] * shape.length,
            "labels": int(split.targets.labels_N[index]),
        }
        for index in range(len(split))
    ]


def _trainer(shape: Shape, folder: Path) -> Callable[[int], float]:
    """As its documentation has it; only the time between a step's begin and end counts."""
    rows = _rows_of(shape)
    clock = _Clock()

    def run(num_steps: int) -> float:
        arguments = TrainingArguments(
            output_dir=str(folder / "trainer"),
            max_steps=num_steps,
            per_device_train_batch_size=shape.batch_size,
            bf16=shape.precision == "bf16",
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
            use_cpu=not torch.cuda.is_available(),
        )
        clock.seconds.clear()
        Trainer(model=model, args=arguments, train_dataset=rows, callbacks=[clock]).train()  # type: ignore[arg-type]
        return median(clock.seconds)

    model = _peft_model(shape)
    return run


class _Clock(TrainerCallback):
    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._started = 0.0

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        self._started = time.perf_counter()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.seconds.append(time.perf_counter() - self._started)


def _loop(shape: Shape, _: Path) -> Callable[[int], float]:
    """What one writes without a library: peft's model, autocast, AdamW, clipping."""
    model = _peft_model(shape).train()
    model.to("cuda" if torch.cuda.is_available() else "cpu")
    device = next(model.parameters()).device
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4, fused=True)
    rows = _rows_of(shape)[: shape.batch_size]
    batch = {name: torch.tensor([row[name] for row in rows], device=device) for name in rows[0]}

    def run(num_steps: int) -> float:
        started = time.perf_counter()
        for _ in range(num_steps):
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=shape.precision == "bf16"):
                loss = model(**batch).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            optimizer.zero_grad()
        if device.type == "cuda":
            torch.cuda.synchronize()
        return (time.perf_counter() - started) / num_steps

    return run


def _floor(shape: Shape) -> Callable[[int], float]:
    """Forward and input gradient of each frozen linear layer, and nothing else."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = torch.bfloat16 if shape.precision == "bf16" else torch.float32
    config = config_of(shape.path)
    bench, _ = workbench(config, length=shape.length, num_rows=8)
    # the head works on one token a row
    layers = [
        part
        for name, part in bench.base.model.named_modules()
        if isinstance(part, nn.Linear) and not any(word in name for word in ("pooler", "classifier", "score"))
    ]
    weights = [layer.weight.detach().to(device, dtype) for layer in layers]
    num_tokens = shape.batch_size * shape.length
    inputs = [torch.randn(num_tokens, weight.shape[1], device=device, dtype=dtype) for weight in weights]
    outputs = [torch.randn(num_tokens, weight.shape[0], device=device, dtype=dtype) for weight in weights]

    def run(num_steps: int) -> float:
        started = time.perf_counter()
        for _ in range(num_steps):
            for weight, x, gradient in zip(weights, inputs, outputs, strict=True):
                torch.mm(x, weight.t())
                torch.mm(gradient, weight)
        if device == "cuda":
            torch.cuda.synchronize()
        return (time.perf_counter() - started) / num_steps

    return run


if __name__ == "__main__":
    main()
