"""Checkpoints of transformers whose matrices bitsandbytes keeps in 4 or 8 bits: for those who stay with PyTorch."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import torch

from slimtune.export.checkpoint_formats.merged_checkpoint import save_merged
from slimtune.export.verification.check import Check, check, folder_mb, is_small
from slimtune.export.verification.measured_variants import Bench
from slimtune.export.verification.reference import PyTorchRunner
from slimtune.training.atomic_files import folder_aside
from slimtune.training.methods.quantized import keep_trainable, quantization_config
from slimtune.training.models.loading import unquantized

FOLDER = "bitsandbytes"


class FewBitsReport(NamedTuple):
    """Attributes:
    name: How the weights are kept, e.g. `nf4`.
    checked: How the folder, loaded again, compares with PyTorch in fp32.
    size_mb: Of the folder, in 10^6 bytes.
    passed: Whether it is within the limits.
    """

    name: str
    checked: Check
    size_mb: float
    passed: bool

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        numbers = ("metric", "metric_drop", "agreement", "num_disagreeing", "max_logit_gap")
        found = {name: getattr(self.checked, name) for name in numbers}
        return {"name": self.name, "size_mb": self.size_mb, "passed": self.passed, **found}


def few_bits_folders(model: Any, bench: Bench) -> list[FewBitsReport]:
    """Write `bitsandbytes/<kind>/` for each kind that is asked for and passes: what `from_pretrained` loads.

    Args:
        model: The merged model in fp32.
        bench: Where to write, with what limits, and the rows.

    Raises:
        ModelError: The model has layers that its architecture has not.
    """
    if not bench.limits.bitsandbytes:
        return []
    reports = []
    with TemporaryDirectory() as scratch:
        merged = Path(scratch) / "merged"
        save_merged(model, bench.reference.rows.tokenizer, merged)
        for kind in bench.limits.bitsandbytes:
            target = bench.folder / FOLDER / kind.value
            report = _made(model, merged, target, bench)
            reports.append(report)
            if not report.passed:
                shutil.rmtree(target)
    return reports


def _made(model: Any, merged: Path, target: Path, bench: Bench) -> FewBitsReport:
    kind, rows = target.name, bench.reference.rows
    settings = quantization_config(kind, double=True, dtype=torch.float32, skip=unquantized(model))
    few = _loaded(type(model), merged, quantization_config=settings)
    with folder_aside(target) as aside:
        # before it runs: bitsandbytes repacks weights for inference
        few.save_pretrained(aside)
        rows.tokenizer.save_pretrained(aside)
    del few
    # what is proven is what is stored
    checked = check(PyTorchRunner(_loaded(type(model), target), rows), bench.reference)
    size_mb = folder_mb(target)
    passed = checked.within(bench.limits) and is_small(size_mb, bench.limits)
    return FewBitsReport(kind, checked, size_mb, passed)


def _loaded(kind: Any, folder: Path, **options: Any) -> Any:
    model = kind.from_pretrained(folder, device_map={"": "cpu"}, dtype=torch.float32, use_safetensors=True, **options)
    keep_trainable(model)
    return model.eval()
