"""All variants of a graph: built, compared with PyTorch, tried again with sensitive layers kept, timed."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from slimtune.export.config import Objective, OnnxExport, Variant
from slimtune.export.runtime.encoder_session import PREDICT_BATCH_SIZE, EncoderSession, TextSettings
from slimtune.export.runtime.execution import Placed
from slimtune.export.runtime.generation_session import Writing
from slimtune.export.variants.build import build, moved
from slimtune.export.variants.quantization_settings import Feed, Recipe
from slimtune.export.verification.check import (
    Check,
    VariantReport,
    check,
    drop_interval,
    folder_mb,
    is_small,
    median_texts,
)
from slimtune.export.verification.reference import OnnxRunner, Reference, Rows
from slimtune.export.verification.sensitive_layers import LayerCost, fewest_kept, layer_costs
from slimtune.export.verification.timing import TIMED_TOKENS, Request, measure

# rows that tell what a layer costs
SENSITIVITY_ROWS = 32
FP32 = "fp32"


class Bench(NamedTuple):
    """What variants are made and measured with.

    Attributes:
        folder: Where their folders go.
        limits: What to try and what a variant may cost.
        reference: PyTorch's answer on the validation rows.
        training: Training rows, for calibration and for what layers cost; no decision is checked on them.
        tokenizer: The `tokenizer.json`.
        writing: How text is written; None where none is.
        where: Where sessions run.
        num_threads: Of every session.
    """

    folder: Path
    limits: OnnxExport
    reference: Reference
    training: Rows
    tokenizer: Path
    writing: Writing | None
    where: Placed
    num_threads: int

    @property
    def settings(self) -> TextSettings:
        """How texts become inputs."""
        rows = self.reference.rows
        return TextSettings(rows.config.data.max_length, int(rows.tokenizer.pad_token_id))

    def runner(self, folder: Path) -> OnnxRunner:
        """A variant, ready to run."""
        return OnnxRunner(folder, self.reference.rows, self.tokenizer, self.writing, execution=self.where.execution)

    def request(self, folder: Path, *, pytorch: bool = False) -> Request:
        """What to time of a variant or a checkpoint."""
        return Request(
            folder=str(folder),
            kind=self.reference.rows.kind.value,
            tokenizer=None if pytorch else str(self.tokenizer),
            max_length=self.settings.max_length,
            pad_id=self.settings.pad_id,
            start_id=self.writing.start_id if self.writing else None,
            new_tokens=min(TIMED_TOKENS, self.writing.max_new_tokens) if self.writing else 0,
            inputs=self._timed(),
            num_threads=self.num_threads,
            provider=self.where.execution.provider,
            provider_options=self.where.execution.options,
        )

    def _timed(self) -> Sequence[Any]:
        """Texts around the median length, or prompts."""
        rows = self.reference.rows
        if not rows.kind.writes:
            return median_texts(rows.texts, PREDICT_BATCH_SIZE)
        return median_texts(rows.prompts(range(min(len(rows.split), SENSITIVITY_ROWS))), PREDICT_BATCH_SIZE)

    def of(self, name: str) -> Path:
        """Where a variant's graphs are."""
        return self.folder / name


class _Tried(NamedTuple):
    checked: Check
    kept: Sequence[str] = ()
    costs: Sequence[LayerCost] = ()


def measured_variants(bench: Bench) -> list[VariantReport]:
    """The report of each variant, fp32 first, whose graphs are there already."""
    tried = {FP32: _Tried(check(bench.runner(bench.of(FP32)), bench.reference))}
    recipe = _recipe(bench)
    for variant in bench.limits.variants:
        build(variant, bench.of(FP32), bench.of(variant.value), recipe)
        tried[variant.value] = _Tried(check(bench.runner(bench.of(variant.value)), bench.reference))
    if bench.limits.keep_sensitive:
        for variant in _worth_another_try(tried, bench):
            tried[variant.value] = _with_layers_kept(variant, tried[variant.value], recipe, bench)
    return [_report(name, one, bench) for name, one in tried.items()]


def _worth_another_try(tried: Mapping[str, _Tried], bench: Bench) -> list[Variant]:
    """Refused variants that could still be the best, the most faithful first."""
    sizes = {name: folder_mb(bench.of(name)) for name in tried}
    passed = {
        name for name, one in tried.items() if one.checked.within(bench.limits) and is_small(sizes[name], bench.limits)
    }
    smallest = min((sizes[name] for name in passed), default=float("inf"))
    refused = [one for one in bench.limits.variants if one.value not in passed and one is not Variant.fp16]
    if bench.limits.objective is Objective.size and bench.limits.max_latency_ms is None:
        refused = [variant for variant in refused if sizes[variant.value] < smallest]
    return sorted(refused, key=lambda variant: -tried[variant.value].checked.agreement)


def _with_layers_kept(variant: Variant, before: _Tried, recipe: Recipe, bench: Bench) -> _Tried:
    """The variant with the fewest layers in fp32 that passes; or as it was, with what its layers cost."""
    source, scratch = bench.of(FP32), bench.folder / "scratch"
    make = partial(build, variant)

    def score(folder: Path) -> np.ndarray:
        outputs = bench.training.run(bench.runner(folder)).outputs
        return np.concatenate([outputs[row].ravel() for row in sorted(outputs)[:SENSITIVITY_ROWS]])

    def passes(kept: frozenset[str]) -> bool:
        make(source, scratch, recipe._replace(kept=kept))
        checked = check(bench.runner(scratch), bench.reference)
        passed = checked.within(bench.limits) and is_small(folder_mb(scratch), bench.limits)
        if passed:
            moved(scratch, bench.of(variant.value))
            passing.append(checked)
        return passed

    passing: list[Check] = []
    costs = layer_costs(source, scratch, recipe, build=make, score=score)
    layers = fewest_kept(costs, passes)
    shutil.rmtree(scratch, ignore_errors=True)
    if layers is None:
        return before._replace(costs=costs)
    # the last one that passed has the fewest
    return _Tried(passing[-1], [layer.name for layer in layers], costs)


def _recipe(bench: Bench) -> Recipe:
    limits = bench.limits
    return Recipe(
        per_channel=limits.per_channel,
        block_size=limits.block_size,
        symmetric=limits.symmetric,
        calibration=limits.calibration,
        int4_algorithm=limits.int4_algorithm,
        embedding_bits=limits.embedding_bits,
        feeds=_feeds(bench) if Variant.int8_static in limits.variants else (),
    )


def _feeds(bench: Bench) -> list[Feed]:
    session = EncoderSession(bench.of(FP32), bench.tokenizer, bench.settings, execution=bench.where.execution)
    rows = session.encode(bench.training.texts)
    # some kinds of calibration take batches of one length only
    longest = max(len(row.ids) for row in rows)
    size = session.shape.batch or PREDICT_BATCH_SIZE
    starts = range(0, len(rows), size)
    feeds: list[Feed] = [session.feed(rows[at : at + size], length=longest) for at in starts]
    if len(feeds) > 1 and len(rows) % size:
        # and of one size
        feeds.pop()
    return feeds


def report_of(name: str, checked: Check, *, request: Request, size_mb: float, bench: Bench) -> VariantReport:
    """What was measured of a variant, and whether it is within the limits.

    Args:
        name: The variant's.
        checked: How it compares with PyTorch.
        request: What to time.
        size_mb: Its size in 10^6 bytes.
        bench: What it is measured with.
    """
    limits, timing = bench.limits, measure(request)
    low, high = drop_interval(checked, bench.reference)
    is_fast = limits.max_latency_ms is None or timing.latency_ms <= limits.max_latency_ms
    return VariantReport(
        name=name,
        metric=checked.metric,
        metric_drop=checked.metric_drop,
        drop_low=low,
        drop_high=high,
        agreement=checked.agreement,
        num_disagreeing=checked.num_disagreeing,
        max_logit_gap=checked.max_logit_gap,
        same_text=checked.same_text,
        size_mb=size_mb,
        timing=timing,
        ran_on=None if request.tokenizer is None else request.provider,
        passed=checked.within(limits) and is_small(size_mb, limits) and is_fast,
    )


def _report(name: str, tried: _Tried, bench: Bench) -> VariantReport:
    folder = bench.of(name)
    report = report_of(name, tried.checked, request=bench.request(folder), size_mb=folder_mb(folder), bench=bench)
    costs: list[dict[str, Any]] = [
        {"layer": cost.layer.name, "gap": cost.gap, "fp32_mb": cost.layer.fp32_mb} for cost in tried.costs
    ]
    return replace(report, kept=list(tried.kept), costs=costs)
