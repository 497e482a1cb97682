"""What a variant costs: every exported model is measured against PyTorch on the validation rows."""

# N rows, C classes

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from export.config import OnnxExport
from export.session import PREDICT_BATCH_SIZE, ClassifierSession
from training.metrics import Measure, Tally, compute_all

LATENCY_RUNS, LATENCY_WARMUP = 50, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantReport:
    """One variant beside PyTorch in fp32, on the same rows.

    Attributes:
        name: `pytorch`, `fp32`, `int8_dynamic` or `int8_blockwise`.
        metric: The task's metric on the validation rows.
        metric_drop: How much worse that is than PyTorch's; negative if better.
        agreement: Share of rows with PyTorch's label; the smaller one of batch 1 and predict's batches.
        num_disagreeing: Rows behind it.
        max_logit_gap: Largest absolute difference of any class score.
        size_mb: Size of the model file in 10^6 bytes.
        latency_ms: Median time of one row of median length, at batch 1.
        passed: Whether drop and agreement are within the limits.
    """

    name: str
    metric: float
    metric_drop: float
    agreement: float
    num_disagreeing: int
    max_logit_gap: float
    size_mb: float
    latency_ms: float
    passed: bool

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """PyTorch's answer on the validation rows.

    Attributes:
        texts: N inputs.
        labels_N: Their label ids.
        logits_NC: PyTorch's class scores, fp32.
        metric: The task's metric.
        maximize: Whether more of it is better.
        rows: The rows as they were read.
        measures: The task's.
    """

    texts: Sequence[str]
    labels_N: np.ndarray
    logits_NC: np.ndarray
    metric: str
    maximize: bool
    rows: Sequence[Mapping[str, Any]]
    measures: Sequence[Measure]

    def score(self, logits_NC: np.ndarray) -> float:
        """The metric of some class scores on these rows."""
        nats_N = torch.nn.functional.cross_entropy(
            torch.from_numpy(logits_NC), torch.from_numpy(self.labels_N), reduction="none"
        )
        tally = Tally.of(
            nats=nats_N.tolist(),
            weight=[1.0] * len(nats_N),
            prediction=logits_NC.argmax(1).tolist(),
            reference=self.labels_N.tolist(),
            data=self.rows,
        )
        return compute_all(self.measures, tally)[self.metric]


def verify(
    name: str, model: Path, *, session: ClassifierSession, reference: Reference, limits: OnnxExport
) -> VariantReport:
    """Measure a variant; it is run as `predict` runs it, and row by row."""
    batched = session.logits(reference.texts, batch_size=PREDICT_BATCH_SIZE)
    single = session.logits(reference.texts, batch_size=1)
    expected = reference.logits_NC.argmax(1)
    wrong = max(int((logits.argmax(1) != expected).sum()) for logits in (batched, single))
    sign = 1.0 if reference.maximize else -1.0
    score = reference.score(batched)
    drop = sign * (reference.score(reference.logits_NC) - score)
    agreement = 1 - wrong / len(expected)
    text = median_text(reference.texts)
    return VariantReport(
        name=name,
        metric=score,
        metric_drop=drop,
        agreement=agreement,
        num_disagreeing=wrong,
        max_logit_gap=float(max(np.abs(logits - reference.logits_NC).max() for logits in (batched, single))),
        size_mb=model.stat().st_size / 1e6,
        latency_ms=median_ms(lambda: session.logits([text])),
        passed=drop <= limits.max_metric_drop and agreement >= limits.min_agreement,
    )


def median_text(texts: Sequence[str]) -> str:
    """The text of median length."""
    return sorted(texts, key=len)[len(texts) // 2]


def median_ms(call: Callable[[], object]) -> float:
    """Median wall time of a call."""
    for _ in range(LATENCY_WARMUP):
        call()
    seconds = []
    for _ in range(LATENCY_RUNS):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds) * 1000)


def choose(reports: Sequence[VariantReport]) -> VariantReport | None:
    """The smallest variant within the limits; None if there is none."""
    passed = [report for report in reports if report.passed]
    return min(passed, key=lambda report: report.size_mb) if passed else None
