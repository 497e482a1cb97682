"""Folders for onnxruntime-genai of a trained model: built, compared with PyTorch, written as bundles."""

import shutil
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from slimtune.export.bundle.bundle import write_bundle
from slimtune.export.bundle.manifest import Manifest
from slimtune.export.bundle.model_card import genai_card
from slimtune.export.checkpoint_formats.merged_checkpoint import save_merged
from slimtune.export.config import Limits
from slimtune.export.genai.build import GenaiSettings, build_genai
from slimtune.export.genai.check import GenaiCheck, GenaiSample, check_genai
from slimtune.export.graph_names import GENAI_FOLDER, Kind
from slimtune.export.precisions import GenaiPrecision
from slimtune.export.verification.measured_variants import VariantSetup
from slimtune.training.errors import ModelError
from slimtune.training.stages import told_stage

# of the validation rows: text is written slowly
PROMPTS, ROWS, NEW_TOKENS = 16, 64, 32


class GenaiReport(NamedTuple):
    """One folder for onnxruntime-genai, measured.

    Attributes:
        name: The precision.
        checked: How the folder compares with PyTorch.
        passed: Whether its perplexity is within the limits; of fp32, whether it writes PyTorch's tokens too.
    """

    name: str
    checked: GenaiCheck
    passed: bool

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"name": self.name, "passed": self.passed, **self.checked._asdict()}


def genai_bundles(model: Any, setup: VariantSetup, manifest: Manifest, *, tokenizer: Path) -> list[GenaiReport]:
    """Write `genai/<precision>/` for each precision that is asked for and passes.

    Args:
        model: The merged causal model.
        setup: Where to write, with what limits, and the rows.
        manifest: What bundles of this model say of themselves, without graphs and target.
        tokenizer: The folder of the tokenizer.

    Raises:
        ModelError: The model is not causal, or onnxruntime-genai does not take it.
    """
    config, rows = setup.config, setup.reference.rows
    if not config.genai:
        return []
    if rows.kind is not Kind.causal:
        raise ModelError("export.genai is for causal models; use export.genai=[]")
    sample = _sample(setup)
    reports = []
    with TemporaryDirectory() as scratch:
        merged = Path(scratch) / "merged"
        save_merged(model, rows.tokenizer, merged)
        for precision in config.genai:
            built, target = Path(scratch) / precision.value, setup.folder / GENAI_FOLDER / precision.value
            settings = GenaiSettings(precision, block_size=config.block_size, symmetric=config.symmetric)
            with told_stage(f"builds {precision.value} for onnxruntime-genai, and compares it with PyTorch"):
                build_genai(merged, built, settings)
                checked = check_genai(built, model, rows.tokenizer, sample, num_threads=setup.num_threads)
            report = GenaiReport(precision.value, checked, _passes(precision, checked, config.limits))
            reports.append(report)
            shutil.rmtree(target, ignore_errors=True)
            if report.passed:
                own = _own_manifest(manifest, report)
                write_bundle(target, graphs=built, tokenizer=tokenizer, manifest=own, card=genai_card(own))
    return reports


def _own_manifest(manifest: Manifest, report: GenaiReport) -> Manifest:
    interface = replace(manifest.interface, kind=Kind.genai)
    return replace(manifest, interface=interface, variant=report.name, genai=report.as_dict())


def _sample(setup: VariantSetup) -> GenaiSample:
    rows = setup.reference.rows
    few = range(min(PROMPTS, len(rows.split)))
    blocks = [rows.split.encoded.row(row).tolist() for row in range(min(ROWS, len(rows.split)))]
    longest = min(NEW_TOKENS, setup.generation.max_new_tokens if setup.generation else NEW_TOKENS)
    return GenaiSample(rows.prompts(few), [block for block in blocks if len(block) > 1], longest)


def _passes(precision: GenaiPrecision, checked: GenaiCheck, limits: Limits) -> bool:
    is_exact = precision is not GenaiPrecision.fp32 or checked.tokens_equal >= limits.min_agreement
    return is_exact and checked.perplexity / checked.perplexity_pytorch - 1 <= limits.max_metric_drop
