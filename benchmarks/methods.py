"""Every method on the tone data: what is trained, what it scores, what it takes, and what merging changes.

    python -m benchmarks.methods --out benchmarks/reports/methods.md

Each method trains in a process of its own, at the learning rate of its config, without early stopping. The gap is the
largest difference of any class score between the model that was trained, its base quantized as it was, and the merged
model in fp32 that is exported.
"""

import argparse
import multiprocessing
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from benchmarks.models import SilentTrial, composed
from benchmarks.report import add_out, header, publish, table

METHODS: dict[str, Sequence[str]] = {
    "full": ("method=full",),
    "full, upper 2 layers": ("method=full", "method.trained_layers=2"),
    "LoRA": ("method=lora",),
    "LoRA, rsLoRA": ("method=lora", "method.use_rslora=true", "method.alpha=16"),
    "LoRA+, ratio 4": ("method=lora", "fit.loraplus_lr_ratio=4"),
    "DoRA": ("method=lora", "method.use_dora=true"),
    "PiSSA": ("method=lora", "method.init_lora_weights=pissa"),
    "QLoRA, nf4": ("method=qlora",),
    "QLoRA, fp4": ("method=qlora", "model.quantization=fp4"),
    "LoRA over 8 bits": ("method=qlora", "model.quantization=int8"),
    "adapters, Pfeiffer": ("method=adapters",),
    "adapters, Houlsby": ("method=adapters", "method.placement=houlsby"),
    "IA3": ("method=ia3",),
    "prompt, 16 tokens": ("method=prompt_tuning",),
    "prefix, 16 tokens": ("method=prefix_tuning",),
}
COMMON = ("experiment=tone", "tracking=none", "fit.slots=1", "fit.patience=null", "fit.precision=fp32")


class Row(NamedTuple):
    """A line of the table."""

    trained: int
    score: float
    seconds: float
    peak_mb: float
    saved_mb: float
    gap: float | None


def main() -> None:
    """Train and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=float, default=3)
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    add_out(parser)
    options = parser.parse_args()
    rows = []
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for name in options.methods:
            row: Row = pool.apply(_measured, (name, options.epochs))
            gap = "cannot be merged" if row.gap is None else f"{row.gap:.1e}"
            rows.append(
                (
                    name,
                    f"{row.trained:,}",
                    f"{row.score:.3f}",
                    f"{row.seconds:.0f}",
                    f"{row.peak_mb:,.0f}",
                    f"{row.saved_mb:.1f}",
                    gap,
                )
            )
    data = "Tone data, MiniLM (22.7 million weights)"
    note = f"{data}, {options.epochs:g} epochs, one seed, {torch.get_num_threads()} threads."
    columns = ("method", "trained weights", "accuracy", "seconds", "peak MB", "saved MB", "gap of the merged model")
    publish([*header("Methods", note), *table(columns, rows)], options.out)


def _measured(name: str, epochs: float) -> Row:
    from slimtune.training.config.trial import parse_trial
    from slimtune.training.hardware.monitor import ResourceMonitor
    from slimtune.training.hardware.resources import resolve
    from slimtune.training.trial import Completed
    from slimtune.training.workbench.workbench import workbench_for
    from slimtune.training.worker.run import run_trial

    values = composed(*COMMON, f"fit.epochs={epochs}", *METHODS[name])
    config = parse_trial(values).section
    resources = resolve(config.fit)
    bench = workbench_for(config, resources)
    usage = ResourceMonitor().follow()
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        outcome = run_trial(SilentTrial(values, Path(folder)))
        seconds = time.perf_counter() - started
        if not isinstance(outcome, Completed):
            raise RuntimeError(f"{name}: {outcome}")
        saved = sum(path.stat().st_size for path in outcome.checkpoint.glob("*.safetensors")) / 1e6
        peak = usage.peaks()["fit/peak_memory_mb"]
        gap = _gap(config, bench, outcome.checkpoint)
        trained = _num_trained(config, bench)
    return Row(trained, outcome.scores["objective"], seconds, peak, saved, gap)


def _num_trained(config: Any, bench: Any) -> int:
    from slimtune.training.methods import method_of
    from slimtune.training.workbench.workbench import trainable

    model = trainable(method_of(config.method), bench)
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


@torch.inference_mode()
def _gap(config: Any, bench: Any, checkpoint: Path) -> float | None:
    from slimtune.training.checkpoints.checkpoint import open_checkpoint
    from slimtune.training.data.batching import collate
    from slimtune.training.errors import ModelError
    from slimtune.training.methods import method_of
    from slimtune.training.models.loading import trial_copy

    method = method_of(config.method)
    trained = open_checkpoint(checkpoint).model()
    if method.shares_base:
        trained = method.load(trial_copy(bench.base, share_weights=True), checkpoint)
    split = bench.splits["validation"]
    batch = collate(split, range(len(split)), pad_id=bench.tokenizer.pad_token_id, device=torch.device("cpu"))
    wanted = bench.task.logits(trained.eval(), batch)
    try:
        merged = method.merge(open_checkpoint(checkpoint).model())
    except ModelError:
        return None
    return float((bench.task.logits(merged, batch) - wanted).abs().max())


if __name__ == "__main__":
    main()
