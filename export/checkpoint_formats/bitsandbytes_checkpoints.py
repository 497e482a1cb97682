"""Checkpoints of transformers whose matrices bitsandbytes keeps in 4 or 8 bits: for those who stay with PyTorch."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import torch

from slimtune.export.checkpoint_formats.merged_checkpoint import save_merged
from slimtune.export.graph_names import BITSANDBYTES_FOLDER
from slimtune.export.verification.check import VariantCheck, check_variant, folder_mb, is_small
from slimtune.export.verification.measured_variants import VariantSetup
from slimtune.export.verification.reference import PyTorchRunner
from slimtune.training.atomic_files import folder_aside
from slimtune.training.methods.quantized import keep_trainable, quantization_config
from slimtune.training.models.loading import unquantized
from slimtune.training.stages import told_stage


class BitsandbytesReport(NamedTuple):
    """One checkpoint whose weights bitsandbytes keeps in few bits.

    Attributes:
        name: How the weights are kept, e.g. `nf4`.
        checked: How the folder, loaded again, compares with PyTorch in fp32.
        size_mb: Of the folder, in 10^6 bytes.
        passed: Whether it is within the limits.
    """

    name: str
    checked: VariantCheck
    size_mb: float
    passed: bool

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        numbers = ("score", "metric_drop", "agreement", "num_disagreeing", "max_logit_gap")
        found = {name: getattr(self.checked, name) for name in numbers}
        return {"name": self.name, "size_mb": self.size_mb, "passed": self.passed, **found}


def bitsandbytes_folders(model: Any, setup: VariantSetup) -> list[BitsandbytesReport]:
    """Write `bitsandbytes/<kind>/` for each kind that is asked for and passes: what `from_pretrained` loads.

    Args:
        model: The merged model in fp32.
        setup: Where to write, with what limits, and the rows.

    Raises:
        ModelError: The model has layers that its architecture lacks.
    """
    if not setup.config.bitsandbytes:
        return []
    reports = []
    with TemporaryDirectory() as scratch:
        merged = Path(scratch) / "merged"
        save_merged(model, setup.reference.rows.tokenizer, merged)
        for kind in setup.config.bitsandbytes:
            target = setup.folder / BITSANDBYTES_FOLDER / kind.value
            with told_stage(f"builds {kind.value} by bitsandbytes, and compares it with PyTorch"):
                report = _made(model, merged, target, setup)
            reports.append(report)
            if not report.passed:
                shutil.rmtree(target)
    return reports


def _made(model: Any, merged: Path, target: Path, setup: VariantSetup) -> BitsandbytesReport:
    kind, rows = target.name, setup.reference.rows
    settings = quantization_config(kind, double=True, dtype=torch.float32, skip=unquantized(model))
    few = _loaded(type(model), merged, quantization_config=settings)
    with folder_aside(target) as aside:
        # before it runs: bitsandbytes repacks weights for inference
        few.save_pretrained(aside)
        rows.tokenizer.save_pretrained(aside)
    del few
    # what is proven is what is stored
    checked = check_variant(PyTorchRunner(_loaded(type(model), target), rows), setup.reference)
    size_mb = folder_mb(target)
    passed = checked.within(setup.config.limits) and is_small(size_mb, setup.config.limits)
    return BitsandbytesReport(kind, checked, size_mb, passed)


def _loaded(kind: Any, folder: Path, **options: Any) -> Any:
    model = kind.from_pretrained(folder, device_map={"": "cpu"}, dtype=torch.float32, use_safetensors=True, **options)
    keep_trainable(model)
    return model.eval()
