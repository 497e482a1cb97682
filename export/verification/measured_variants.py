"""All variants of a graph: built, compared with PyTorch, tried again with sensitive layers kept, timed."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from slimtune.export.bundle.interface import GenerationSettings
from slimtune.export.bundle.variant_report import VariantReport
from slimtune.export.config import OnnxExport, Variant, VariantObjective
from slimtune.export.graph_names import FP32, MODEL
from slimtune.export.runtime.encoder_session import PREDICT_BATCH_SIZE, EncoderSession, TextSettings
from slimtune.export.runtime.execution import Placed
from slimtune.export.runtime.static_shape import Feed
from slimtune.export.variants.build import build, moved
from slimtune.export.variants.input_moments import places_with_feedback
from slimtune.export.variants.quantization_settings import QuantizationSettings
from slimtune.export.verification.check import (
    VariantCheck,
    check_variant,
    drop_interval,
    folder_mb,
    is_small,
    median_texts,
)
from slimtune.export.verification.reference import ComparedRows, OnnxRunner, Reference
from slimtune.export.verification.sensitive_layers import LayerCost, encoder_layer_costs, fewest_kept, layer_costs
from slimtune.export.verification.timing import TIMED_TOKENS, TimingRequest, measure
from slimtune.training.stages import told_stage

# rows that tell what a layer costs
SENSITIVITY_ROWS = 32


class VariantSetup(NamedTuple):
    """What variants are made and measured with.

    Attributes:
        folder: Where their folders go.
        config: What to try and what a variant may cost.
        reference: PyTorch's answer on the validation rows.
        training: Training rows, for calibration and for what layers cost; no decision is checked on them.
        tokenizer: The `tokenizer.json`.
        generation: How text is generated; None where none is.
        longest: Tokens of the longest row that the model takes.
        where: Where sessions run.
        num_threads: Of every session.
    """

    folder: Path
    config: OnnxExport
    reference: Reference
    training: ComparedRows
    tokenizer: Path
    generation: GenerationSettings | None
    longest: int
    where: Placed
    num_threads: int

    @property
    def text_settings(self) -> TextSettings:
        """How texts become inputs."""
        rows = self.reference.rows
        length, pad_id = rows.config.data.max_length, int(rows.tokenizer.pad_token_id)
        return TextSettings(length, pad_id, side=rows.truncation_side)

    def runner(self, folder: Path) -> OnnxRunner:
        """A variant, ready to run."""
        return OnnxRunner(folder, self.reference.rows, self.tokenizer, self.generation, execution=self.where.execution)

    def request(self, folder: Path, *, pytorch: bool = False) -> TimingRequest:
        """What to time of a variant or a checkpoint."""
        return TimingRequest(
            folder=str(folder),
            kind=self.reference.rows.kind.value,
            tokenizer=None if pytorch else str(self.tokenizer),
            max_length=self.text_settings.max_length,
            pad_id=self.text_settings.pad_id,
            start_id=self.generation.start_id if self.generation else None,
            new_tokens=min(TIMED_TOKENS, self.generation.max_new_tokens) if self.generation else 0,
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
    checked: VariantCheck
    kept: Sequence[str] = ()
    costs: Sequence[LayerCost] = ()


def measured_variants(setup: VariantSetup) -> list[VariantReport]:
    """The report of each variant, fp32 first, whose graphs are there already."""
    with told_stage("compares fp32 with PyTorch"):
        tried = {FP32: _Tried(check_variant(setup.runner(setup.of(FP32)), setup.reference))}
    settings = _quantization_settings(setup)
    for number, variant in enumerate(setup.config.variants, start=1):
        at = f"{number} of {len(setup.config.variants)}"
        with told_stage(f"builds {variant.value}, {at}, and compares it with PyTorch"):
            build(variant, setup.of(FP32), setup.of(variant.value), settings)
            tried[variant.value] = _Tried(check_variant(setup.runner(setup.of(variant.value)), setup.reference))
    if setup.config.keep_sensitive:
        for variant in _worth_another_try(tried, setup):
            with told_stage(f"looks for layers of {variant.value} to keep in fp32 (export.keep_sensitive)"):
                room_mb = _room_mb(variant, tried, setup)
                with_kept = _with_layers_kept(variant, tried[variant.value], settings, setup, room_mb=room_mb)
                tried[variant.value] = with_kept
    reports = []
    with told_stage("times the variants", len(tried), unit="variants") as stage:
        for name, one in tried.items():
            reports.append(_report(name, one, setup))
            stage.advance()
    return reports


def _worth_another_try(tried: Mapping[str, _Tried], setup: VariantSetup) -> list[Variant]:
    """Refused variants that could still be the best, the most faithful first."""
    passed, best_mb = _passed(tried, setup), _best_mb(tried, setup)
    refused = [one for one in setup.config.variants if one.value not in passed and one is not Variant.fp16]
    could = [variant for variant in refused if folder_mb(setup.of(variant.value)) < best_mb]
    return sorted(could, key=lambda variant: -tried[variant.value].checked.agreement)


def _passed(tried: Mapping[str, _Tried], setup: VariantSetup) -> list[str]:
    limits = setup.config.limits
    small = (name for name in tried if is_small(folder_mb(setup.of(name)), limits))
    return [name for name in small if tried[name].checked.within(limits)]


def _best_mb(tried: Mapping[str, _Tried], setup: VariantSetup) -> float:
    """The size that another variant must be below to be chosen; any, where time decides."""
    if setup.config.objective is not VariantObjective.size or setup.config.max_latency_ms is not None:
        return float("inf")
    return min((folder_mb(setup.of(name)) for name in _passed(tried, setup)), default=float("inf"))


def _room_mb(variant: Variant, tried: Mapping[str, _Tried], setup: VariantSetup) -> float:
    """What layers of a variant may have in fp32, for it to be below the best one and the largest that is allowed."""
    own_mb, fp32_mb = (folder_mb(setup.of(name)) for name in (variant.value, FP32))
    allowed_mb = min(_best_mb(tried, setup), setup.config.limits.max_size_mb or float("inf"))
    # about as much as all of them add
    return (allowed_mb - own_mb) / (1 - own_mb / fp32_mb) if own_mb < fp32_mb else float("inf")


def _with_layers_kept(
    variant: Variant, before: _Tried, settings: QuantizationSettings, setup: VariantSetup, *, room_mb: float
) -> _Tried:
    """The variant with the fewest layers in fp32 that passes; or as it was, with what its layers cost."""
    source, scratch = setup.of(FP32), setup.folder / "scratch"
    make = partial(build, variant)

    def passes(kept: frozenset[str]) -> bool:
        make(source, scratch, settings._replace(kept=kept))
        checked = check_variant(setup.runner(scratch), setup.reference)
        passed = checked.within(setup.config.limits) and is_small(folder_mb(scratch), setup.config.limits)
        if passed:
            moved(scratch, setup.of(variant.value))
            passing.append(checked)
        return passed

    passing: list[VariantCheck] = []
    costs = _costs(variant, settings, setup)
    layers = fewest_kept(costs, passes, room_mb=room_mb)
    shutil.rmtree(scratch, ignore_errors=True)
    if layers is None:
        return before._replace(costs=costs)
    # the last one that passed has the fewest
    return _Tried(passing[-1], [layer.name for layer in layers], costs)


def _costs(variant: Variant, settings: QuantizationSettings, setup: VariantSetup) -> list[LayerCost]:
    """What each layer costs on some of the training rows."""
    source = setup.of(FP32)
    if not setup.reference.rows.kind.writes:
        session = _encoder(setup)
        rows = sorted(session.encode(setup.training.texts[:SENSITIVITY_ROWS]), key=lambda row: len(row.ids))
        feeds = session.feeds(rows, size=PREDICT_BATCH_SIZE)
        return encoder_layer_costs(source, setup.of(variant.value), feeds, execution=setup.where.execution)

    def score(folder: Path) -> np.ndarray:
        outputs = setup.training.run(setup.runner(folder)).outputs
        return np.concatenate([outputs[row].ravel() for row in sorted(outputs)[:SENSITIVITY_ROWS]])

    make = partial(build, variant)
    return layer_costs(source, setup.folder / "scratch", settings, build=make, score=score)


def _quantization_settings(setup: VariantSetup) -> QuantizationSettings:
    config = setup.config
    return QuantizationSettings(
        per_channel=config.per_channel,
        block_size=config.block_size,
        symmetric=config.symmetric,
        calibration=config.calibration,
        int4_algorithm=config.int4_algorithm,
        embedding_bits=config.embedding_bits,
        feeds=_feeds(setup) if Variant.int8_static in config.variants else (),
        places=_places(setup) if Variant.int8_split in config.variants and not setup.reference.rows.kind.writes else {},
    )


def _places(setup: VariantSetup) -> dict[str, np.ndarray]:
    """Of weights in ten bits, by the training rows; a row by itself has no padding."""
    session = _encoder(setup)
    feeds = session.feeds(session.encode(setup.training.texts), size=1)
    return places_with_feedback(setup.of(FP32) / MODEL, feeds, execution=setup.where.execution)


def _encoder(setup: VariantSetup) -> EncoderSession:
    return EncoderSession(setup.of(FP32), setup.tokenizer, setup.text_settings, execution=setup.where.execution)


def _feeds(setup: VariantSetup) -> list[Feed]:
    session = _encoder(setup)
    rows = session.encode(setup.training.texts)
    # some kinds of calibration take batches of one length only
    longest = max(len(row.ids) for row in rows)
    feeds: list[Feed] = [*session.feeds(rows, size=PREDICT_BATCH_SIZE, length=longest)]
    # and of one size
    sizes = [len(feed["input_ids"]) for feed in feeds]
    return feeds[:-1] if sizes[-1] < sizes[0] else feeds


def variant_report_of(
    name: str, checked: VariantCheck, *, request: TimingRequest, size_mb: float, setup: VariantSetup
) -> VariantReport:
    """What was measured of a variant, and whether it is within the limits.

    Args:
        name: The variant's.
        checked: How it compares with PyTorch.
        request: What to time.
        size_mb: Its size in 10^6 bytes.
        setup: What it is measured with.
    """
    limits, timing = setup.config.limits, measure(request)
    low, high = drop_interval(checked, setup.reference)
    is_fast = limits.max_latency_ms is None or timing.latency_ms <= limits.max_latency_ms
    return VariantReport(
        name=name,
        score=checked.score,
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


def _report(name: str, tried: _Tried, setup: VariantSetup) -> VariantReport:
    folder = setup.of(name)
    report = variant_report_of(
        name, tried.checked, request=setup.request(folder), size_mb=folder_mb(folder), setup=setup
    )
    costs: list[dict[str, Any]] = [
        {"layer": cost.layer.name, "gap": cost.gap, "fp32_mb": cost.layer.fp32_mb} for cost in tried.costs
    ]
    return replace(report, kept=list(tried.kept), costs=costs)
