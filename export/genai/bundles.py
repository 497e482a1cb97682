"""Folders for onnxruntime-genai of a trained model: built, compared with PyTorch, written as bundles."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from slimtune.export.bundle.bundle import write_bundle
from slimtune.export.bundle.model_card import genai_card
from slimtune.export.checkpoint_formats.merged_checkpoint import save_merged
from slimtune.export.config import GenaiPrecision, OnnxExport
from slimtune.export.genai.build import GenaiRecipe, build_genai
from slimtune.export.genai.check import GenaiCheck, GenaiSample, check_genai
from slimtune.export.graph_names import Kind
from slimtune.export.verification.measured_variants import Bench
from slimtune.training.errors import ModelError

FOLDER = "genai"
# of the validation rows: text is written slowly
PROMPTS, ROWS, NEW_TOKENS = 16, 64, 32


class GenaiReport(NamedTuple):
    """Attributes:
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


def genai_bundles(model: Any, bench: Bench, manifest: Mapping[str, Any], *, tokenizer: Path) -> list[GenaiReport]:
    """Write `genai/<precision>/` for each precision that is asked for and passes.

    Args:
        model: The merged causal model.
        bench: Where to write, with what limits, and the rows.
        manifest: What bundles of this model say of themselves.
        tokenizer: The folder of the tokenizer.

    Raises:
        ModelError: The model is not causal, or onnxruntime-genai does not take it.
    """
    limits, rows = bench.limits, bench.reference.rows
    if not limits.genai:
        return []
    if rows.kind is not Kind.causal:
        raise ModelError("export.genai is for causal models; use export.genai=[]")
    sample = _sample(bench)
    reports = []
    with TemporaryDirectory() as scratch:
        merged = Path(scratch) / "merged"
        save_merged(model, rows.tokenizer, merged)
        for precision in limits.genai:
            built, target = Path(scratch) / precision.value, bench.folder / FOLDER / precision.value
            recipe = GenaiRecipe(precision, block_size=limits.block_size, symmetric=limits.symmetric)
            build_genai(merged, built, recipe)
            checked = check_genai(built, model, rows.tokenizer, sample, num_threads=bench.num_threads)
            report = GenaiReport(precision.value, checked, _passes(precision, checked, limits))
            reports.append(report)
            shutil.rmtree(target, ignore_errors=True)
            if report.passed:
                facts = {**manifest, "kind": Kind.genai.value, "variant": precision.value, "genai": report.as_dict()}
                write_bundle(target, graphs=built, tokenizer=tokenizer, manifest=facts, card=genai_card(facts))
    return reports


def _sample(bench: Bench) -> GenaiSample:
    rows = bench.reference.rows
    few = range(min(PROMPTS, len(rows.split)))
    blocks = [rows.split.encoded.row(row).tolist() for row in range(min(ROWS, len(rows.split)))]
    longest = min(NEW_TOKENS, bench.writing.max_new_tokens if bench.writing else NEW_TOKENS)
    return GenaiSample(rows.prompts(few), [block for block in blocks if len(block) > 1], longest)


def _passes(precision: GenaiPrecision, checked: GenaiCheck, limits: OnnxExport) -> bool:
    is_exact = precision is not GenaiPrecision.fp32 or checked.tokens_equal >= limits.min_agreement
    return is_exact and checked.perplexity / checked.perplexity_pytorch - 1 <= limits.max_metric_drop
