"""All variants of a graph: built, compared with PyTorch, tried again with sensitive layers kept, timed."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from export.config import Objective, OnnxExport, Variant
from export.quantize import BUILDERS
from export.recipe import Feed, Recipe
from export.sensitive import LayerCost, fewest_kept, layer_costs
from export.session import PREDICT_BATCH_SIZE, ClassifierSession, Text, TextSettings
from export.timing import Request, measure
from export.verify import Check, Reference, VariantReport, check, drop_interval, file_mb, median_texts

# batches that tell what a layer costs
SENSITIVITY_BATCHES = 4
FP32 = "fp32"


class Bench(NamedTuple):
    """What variants are made and measured with.

    Attributes:
        folder: Where their files go.
        limits: What to try and what a variant may cost.
        reference: PyTorch's answer on the validation rows.
        tokenizer: The `tokenizer.json`.
        settings: How texts become inputs.
        num_threads: Of every session.
        training_texts: For calibration and for what layers cost; no decision is checked on them.
    """

    folder: Path
    limits: OnnxExport
    reference: Reference
    tokenizer: Path
    settings: TextSettings
    num_threads: int
    training_texts: Sequence[Text]

    def session(self, model: Path) -> ClassifierSession:
        """A model, ready to run."""
        return ClassifierSession(model, self.tokenizer, self.settings, num_threads=self.num_threads)

    def request(self, model: Path) -> Request:
        """What to time of an ONNX file or a checkpoint."""
        return Request(
            model=str(model),
            tokenizer=str(self.tokenizer),
            max_length=self.settings.max_length,
            pad_id=self.settings.pad_id,
            texts=median_texts(self.reference.texts, PREDICT_BATCH_SIZE),
            num_threads=self.num_threads,
        )

    def file(self, name: str) -> Path:
        """Where a variant's graph is."""
        return self.folder / f"{name}.onnx"


class _Tried(NamedTuple):
    checked: Check
    kept: Sequence[str] = ()
    costs: Sequence[LayerCost] = ()


def measured_variants(bench: Bench) -> list[VariantReport]:
    """The report of each variant, fp32 first, whose graph is there already."""
    tried = {FP32: _Tried(check(bench.session(bench.file(FP32)), bench.reference))}
    recipe = _recipe(bench)
    for variant in bench.limits.variants:
        BUILDERS[variant](bench.file(FP32), bench.file(variant.value), recipe)
        tried[variant.value] = _Tried(check(bench.session(bench.file(variant.value)), bench.reference))
    if bench.limits.keep_sensitive:
        for variant in _worth_another_try(tried, bench):
            tried[variant.value] = _with_layers_kept(variant, tried[variant.value], recipe, bench)
    return [_report(name, one, bench) for name, one in tried.items()]


def _worth_another_try(tried: dict[str, _Tried], bench: Bench) -> list[Variant]:
    """Refused variants that could still be the best, the most faithful first."""
    passed = [
        name
        for name, one in tried.items()
        if one.checked.within(bench.limits) and _is_small(bench.file(name), bench.limits)
    ]
    smallest = min((file_mb(bench.file(name)) for name in passed), default=float("inf"))
    refused = [one for one in bench.limits.variants if one.value not in passed and one is not Variant.fp16]
    if bench.limits.objective is Objective.size and bench.limits.max_latency_ms is None:
        refused = [variant for variant in refused if file_mb(bench.file(variant.value)) < smallest]
    return sorted(refused, key=lambda variant: -tried[variant.value].checked.agreement)


def _with_layers_kept(variant: Variant, before: _Tried, recipe: Recipe, bench: Bench) -> _Tried:
    """The variant with the fewest layers in fp32 that passes, in its file; or as it was, with what its layers cost."""
    source, scratch = bench.file(FP32), bench.folder / "scratch.onnx"
    build = BUILDERS[variant]
    feeds = recipe.feeds[:SENSITIVITY_BATCHES]

    def score(model: Path) -> np.ndarray:
        session = bench.session(model)
        return np.concatenate([session.scores(feed) for feed in feeds])

    def passes(kept: frozenset[str]) -> bool:
        build(source, scratch, recipe._replace(kept=kept))
        checked = check(bench.session(scratch), bench.reference)
        passed = checked.within(bench.limits) and _is_small(scratch, bench.limits)
        if passed:
            scratch.replace(bench.file(variant.value))
            passing.append(checked)
        return passed

    passing: list[Check] = []
    costs = layer_costs(source, scratch, recipe, build=build, score=score)
    layers = fewest_kept(costs, passes)
    scratch.unlink(missing_ok=True)
    if layers is None:
        return before._replace(costs=costs)
    # the last one that passed has the fewest
    return _Tried(passing[-1], [layer.name for layer in layers], costs)


def _is_small(path: Path, limits: OnnxExport) -> bool:
    return limits.max_size_mb is None or file_mb(path) <= limits.max_size_mb


def _recipe(bench: Bench) -> Recipe:
    limits = bench.limits
    session = bench.session(bench.file(FP32))
    rows = session.encode(bench.training_texts)
    # some kinds of calibration take batches of one length only
    longest = max(len(row.ids) for row in rows)
    starts = range(0, len(rows), PREDICT_BATCH_SIZE)
    feeds: list[Feed] = [session.feed(rows[at : at + PREDICT_BATCH_SIZE], length=longest) for at in starts]
    if len(feeds) > 1 and len(rows) % PREDICT_BATCH_SIZE:
        # and of one size
        feeds.pop()
    return Recipe(
        per_channel=limits.per_channel,
        block_size=limits.block_size,
        symmetric=limits.symmetric,
        calibration=limits.calibration,
        feeds=feeds,
    )


def report_of(name: str, checked: Check, *, model: Path, size_mb: float, bench: Bench) -> VariantReport:
    """What was measured of a variant, and whether it is within the limits.

    Args:
        name: The variant's.
        checked: How it compares with PyTorch.
        model: What to time, an ONNX file or a checkpoint.
        size_mb: Its size in 10^6 bytes.
        bench: What it is measured with.
    """
    limits, timing = bench.limits, measure(bench.request(model))
    low, high = drop_interval(checked, bench.reference)
    is_small = limits.max_size_mb is None or size_mb <= limits.max_size_mb
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
        size_mb=size_mb,
        timing=timing,
        passed=checked.within(limits) and is_small and is_fast,
    )


def _report(name: str, tried: _Tried, bench: Bench) -> VariantReport:
    path = bench.file(name)
    report = report_of(name, tried.checked, model=path, size_mb=file_mb(path), bench=bench)
    costs: list[dict[str, Any]] = [
        {"layer": cost.layer.name, "gap": cost.gap, "fp32_mb": cost.layer.fp32_mb} for cost in tried.costs
    ]
    return replace(report, kept=list(tried.kept), costs=costs)
