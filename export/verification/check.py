"""What a variant costs: every exported model is compared with PyTorch on the validation rows."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from slimtune.export.bundle.variant_report import VariantReport
from slimtune.export.config import Limits, VariantObjective
from slimtune.export.runtime.encoder_session import PREDICT_BATCH_SIZE
from slimtune.export.verification.reference import Found, Reference, Runner
from slimtune.training.evaluation.bootstrap import drawn_rows, percentile_interval, units_of

NUM_RESAMPLES = 200
# numbers of a report, as a tracker takes them
MEASURED = (
    *("score", "metric_drop", "drop_low", "drop_high", "agreement", "max_logit_gap", "size_mb", "latency_ms"),
    *("latency_p95_ms", "batch8_ms", "batch8_p95_ms", "tokens_per_second", "load_ms", "peak_mb"),
)


class VariantCheck(NamedTuple):
    """A variant beside PyTorch in fp32, on the same rows.

    Attributes:
        score: Of the task's metric on the validation rows.
        metric_drop: How much worse that is than PyTorch's; negative if better. Of perplexity, a share of it.
        agreement: Share of rows with PyTorch's answer, or of next tokens where text is generated; the smaller one of
            batch 1 and of 8.
        num_disagreeing: Rows or tokens behind it.
        max_logit_gap: Largest absolute difference of any score.
        same_text: Share of generated answers that are PyTorch's; None if nothing is generated.
        found: What the score is of.
    """

    score: float
    metric_drop: float
    agreement: float
    num_disagreeing: int
    max_logit_gap: float
    same_text: float | None
    found: Found

    def within(self, limits: Limits) -> bool:
        """Whether drop and agreement are within the limits."""
        return self.metric_drop <= limits.max_metric_drop and self.agreement >= limits.min_agreement


def check_variant(runner: Runner, reference: Reference, *, single: Found | None = None) -> VariantCheck:
    """Compare a variant with PyTorch: as `predict` runs it, and row by row unless that is known (`single`)."""
    batched = reference.rows.run(runner, batch_size=PREDICT_BATCH_SIZE)
    # text is written in batches of its own
    single = single or reference.rows.run(runner, batch_size=1, writes=False)
    agreeing = min((reference.agreeing(found) for found in (batched, single)), key=lambda units: units.mean())
    score = reference.score(batched)
    return VariantCheck(
        score=score,
        metric_drop=_drop(reference, reference.score(reference.found), score),
        agreement=float(agreeing.mean()),
        num_disagreeing=int((~agreeing).sum()),
        max_logit_gap=max(reference.gap(found) for found in (batched, single)),
        same_text=reference.same_text(batched),
        found=batched,
    )


def drop_interval(checked: VariantCheck, reference: Reference, *, seed: int = 0) -> tuple[float, float]:
    """The 95 % percentile interval of the drop: both models are scored on the same rows, drawn again."""
    exact, other = (reference.tally(found) for found in (reference.found, checked.found))
    if exact == other:
        return 0.0, 0.0
    units = units_of(exact)

    def drop_of(drawn: np.ndarray) -> float:
        scores = (reference.score_of(drawn_rows(tally, units, drawn)) for tally in (exact, other))
        return _drop(reference, *scores)

    if len(units) < 2:
        return checked.metric_drop, checked.metric_drop
    return percentile_interval(drop_of, len(units), num_resamples=NUM_RESAMPLES, seed=seed)


def is_small(size_mb: float, limits: Limits) -> bool:
    """Whether a size is within the limits."""
    return limits.max_size_mb is None or size_mb <= limits.max_size_mb


def folder_mb(folder: Path) -> float:
    """Size of a variant's files in 10^6 bytes."""
    return sum(path.stat().st_size for path in folder.iterdir()) / 1e6


def choose_variant(reports: Sequence[VariantReport], objective: VariantObjective) -> VariantReport | None:
    """The best variant within the limits; None if there is none."""
    passed = [report for report in reports if report.passed]
    if objective is VariantObjective.size:
        return min(passed, key=lambda report: report.size_mb, default=None)
    return min(passed, key=lambda report: report.timing.latency_ms, default=None)


def median_texts(texts: Sequence[Any], count: int) -> list[Any]:
    """So many texts, pairs or prompts around the median length, that of median length first; a few are taken again if
    there are fewer.
    """
    ordered = sorted(texts, key=_length)
    middle = len(ordered) // 2
    by_distance = sorted(range(len(ordered)), key=lambda place: (abs(place - middle), place))
    return [ordered[place] for place in itertools.islice(itertools.cycle(by_distance), count)]


def _length(text: Any) -> int:
    return sum(len(part) for part in text) if isinstance(text, tuple) else len(text)


def _drop(reference: Reference, exact: float, found: float) -> float:
    drop = exact - found if reference.maximize else found - exact
    # a perplexity has no upper end; its share is about what the loss rises by
    return drop / exact if reference.metric == "perplexity" else drop
