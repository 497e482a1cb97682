"""Folders that transformers loads, for those who stay with PyTorch or serve by other tools: merged, or in few bits."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import torch

from slimtune.export.checkpoint_formats.merged_checkpoint import save_merged
from slimtune.export.config import Limits
from slimtune.export.graph_names import BITSANDBYTES_FOLDER, MERGED_FOLDER
from slimtune.export.precisions import MergedPrecision
from slimtune.export.verification.check import VariantCheck, check_variant, folder_mb, is_small
from slimtune.export.verification.measured_variants import VariantSetup
from slimtune.export.verification.reference import PyTorchRunner
from slimtune.training.atomic_files import folder_aside
from slimtune.training.config.model import Quantization
from slimtune.training.methods.quantized import keep_trainable, quantization_config
from slimtune.training.models.loading import unquantized
from slimtune.training.stages import told_stage

DTYPES: Mapping[MergedPrecision, torch.dtype] = {
    MergedPrecision.fp32: torch.float32,
    MergedPrecision.bf16: torch.bfloat16,
    MergedPrecision.fp16: torch.float16,
}


class FolderReport(NamedTuple):
    """One folder of transformers.

    Attributes:
        name: How the weights are kept, e.g. `nf4` or `bf16`.
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


class FolderReports(NamedTuple):
    """All that were asked for.

    Attributes:
        merged: Those whose weights are plain.
        bitsandbytes: Those whose matrices bitsandbytes keeps in 4 or 8 bits.
    """

    merged: Sequence[FolderReport] = ()
    bitsandbytes: Sequence[FolderReport] = ()


def transformers_folders(model: Any, setup: VariantSetup) -> FolderReports:
    """Write `merged/<precision>/` and `bitsandbytes/<kind>/`, those asked for that pass: what `from_pretrained` loads.

    Args:
        model: The merged model in fp32.
        setup: Where to write, with what limits, and the rows.

    Raises:
        ModelError: The model has layers that its architecture lacks.
    """
    config = setup.config
    if not (config.merged or config.bitsandbytes):
        return FolderReports()
    with TemporaryDirectory() as scratch:
        exact = Path(scratch) / "merged"
        save_merged(model, setup.reference.rows.tokenizer, exact)
        folders = _Folders(type(model), exact, unquantized(model), setup)
        merged = [folders.merged(one) for one in config.merged]
        few_bits = [folders.few_bits(one) for one in config.bitsandbytes]
    return FolderReports(merged, few_bits)


class _Folders(NamedTuple):
    """What they are made of: the model's class, its merged weights in fp32, and layers that keep their precision."""

    kind: Any
    exact: Path
    skip: Sequence[str]
    setup: VariantSetup

    def merged(self, precision: MergedPrecision) -> FolderReport:
        """In plain weights, for which there is no limit of size: they are not what is made small."""
        dtype = DTYPES[precision]
        with told_stage(f"writes the merged model in {precision.value}, and compares it with PyTorch"):
            target = self.setup.folder / MERGED_FOLDER / precision.value
            self._write(_loaded(self.kind, self.exact, dtype), target)
            return self._reported(target, dtype, limits=replace(self.setup.config.limits, max_size_mb=None))

    def few_bits(self, bits: Quantization) -> FolderReport:
        """In 4 or 8 bits."""
        settings = quantization_config(bits.value, double=True, dtype=torch.float32, skip=list(self.skip))
        with told_stage(f"builds {bits.value} by bitsandbytes, and compares it with PyTorch"):
            target = self.setup.folder / BITSANDBYTES_FOLDER / bits.value
            self._write(_loaded(self.kind, self.exact, torch.float32, quantization_config=settings), target)
            return self._reported(target, torch.float32, limits=self.setup.config.limits)

    def _write(self, model: Any, target: Path) -> None:
        with folder_aside(target) as aside:
            # before it runs: bitsandbytes repacks weights for inference
            model.save_pretrained(aside)
            self.setup.reference.rows.tokenizer.save_pretrained(aside)

    def _reported(self, target: Path, dtype: torch.dtype, *, limits: Limits) -> FolderReport:
        """Measured on what is stored, which is removed if it costs more than it may."""
        reference = self.setup.reference
        checked = check_variant(PyTorchRunner(_loaded(self.kind, target, dtype), reference.rows), reference)
        size_mb = folder_mb(target)
        passed = checked.within(limits) and is_small(size_mb, limits)
        if not passed:
            shutil.rmtree(target)
        return FolderReport(target.name, checked, size_mb, passed)


def _loaded(kind: Any, folder: Path, dtype: torch.dtype, **options: Any) -> Any:
    model = kind.from_pretrained(folder, device_map={"": "cpu"}, dtype=dtype, use_safetensors=True, **options)
    keep_trainable(model)
    return model.eval()
