"""What a variant costs: every exported model is compared with PyTorch on the validation rows."""

# N rows, C classes

import itertools
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch

from export.config import Objective, OnnxExport
from export.session import PREDICT_BATCH_SIZE, Text, decided
from export.timing import Timing
from training.batches import Batch, Split
from training.metrics import Tally, compute_all
from training.tasks.classification import Classification

NUM_RESAMPLES, PERCENTILES = 200, (2.5, 97.5)
# numbers of a report, as a tracker takes them
MEASURED = (
    *("metric", "metric_drop", "drop_low", "drop_high", "agreement", "max_logit_gap", "size_mb", "latency_ms"),
    *("latency_p95_ms", "batch8_ms", "batch8_p95_ms", "tokens_per_second", "load_ms", "peak_mb"),
)


class Session(Protocol):
    """Runs a model on texts."""

    def logits(self, texts: Sequence[Text], *, batch_size: int = ...) -> np.ndarray: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """PyTorch's answer on the validation rows.

    Attributes:
        task: What the class scores mean.
        split: The N rows.
        takes_pairs: Whether they are pairs of texts.
        logits_NC: PyTorch's class scores, fp32.
        metric: The task's metric.
        maximize: Whether more of it is better.
    """

    task: Classification
    split: Split
    takes_pairs: bool
    logits_NC: np.ndarray
    metric: str
    maximize: bool

    @property
    def texts(self) -> list[Text]:
        """What the model is given."""
        return [example.given(pairs=self.takes_pairs) for example in self.split.examples]

    def decided(self, logits_NC: np.ndarray) -> np.ndarray:
        """The labels that each row gets (N, C, bool)."""
        return decided(logits_NC, multi_label=self.task.multi_label)

    def score(self, logits_NC: np.ndarray) -> float:
        """The metric of some class scores on these rows."""
        return self.score_of(self.tally(logits_NC))

    def tally(self, logits_NC: np.ndarray) -> Tally:
        """What the metric is computed from."""
        assert self.split.targets.labels_N is not None
        batch = Batch({}, torch.from_numpy(self.split.targets.labels_N))
        return self.task.tally(torch.from_numpy(logits_NC), batch, self.split, range(len(logits_NC)))

    def score_of(self, tally: Tally) -> float:
        """The metric of all rows, or of those that were drawn."""
        # a metric of the user's own may give scores that its measure does not name
        own = [measure for measure in self.task.measures if self.metric in measure.keys]
        return compute_all(own or self.task.measures, tally)[self.metric]


class Check(NamedTuple):
    """A variant beside PyTorch in fp32, on the same rows.

    Attributes:
        metric: The task's metric on the validation rows.
        metric_drop: How much worse that is than PyTorch's; negative if better.
        agreement: Share of rows with PyTorch's label, or all of its labels; the smaller one of batch 1 and of 8.
        num_disagreeing: Rows behind it.
        max_logit_gap: Largest absolute difference of any class score.
        logits_NC: The class scores that the metric is of.
    """

    metric: float
    metric_drop: float
    agreement: float
    num_disagreeing: int
    max_logit_gap: float
    logits_NC: np.ndarray

    def within(self, limits: OnnxExport) -> bool:
        """Whether drop and agreement are within the limits."""
        return self.metric_drop <= limits.max_metric_drop and self.agreement >= limits.min_agreement


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantReport:
    """One variant, all that was measured of it.

    Attributes:
        name: `pytorch`, `fp32`, or the variant's.
        metric: As `Check`, with the four that follow.
        drop_low: Lower end of the drop's 95 % interval, rows drawn again in pairs.
        drop_high: Upper end.
        size_mb: Size of the model file in 10^6 bytes.
        timing: In a process of its own.
        kept: Layers that are in fp32 for it to pass.
        costs: What each layer costs that is quantized alone, the worst first; empty if it was not asked.
        passed: Whether it is within all limits.
    """

    name: str
    metric: float
    metric_drop: float
    drop_low: float
    drop_high: float
    agreement: float
    num_disagreeing: int
    max_logit_gap: float
    size_mb: float
    timing: Timing
    kept: list[str] = field(default_factory=list)
    costs: list[dict[str, Any]] = field(default_factory=list)
    passed: bool

    def as_dict(self) -> dict[str, Any]:
        """Plain values, those of the timing among them."""
        values = asdict(self)
        timing = values.pop("timing")
        return {**values, **timing}


def check(session: Session, reference: Reference) -> Check:
    """Compare a variant with PyTorch; it is run as `predict` runs it, and row by row."""
    batched = session.logits(reference.texts, batch_size=PREDICT_BATCH_SIZE)
    single = session.logits(reference.texts, batch_size=1)
    expected_NC = reference.decided(reference.logits_NC)
    wrong = max(int((reference.decided(logits) != expected_NC).any(1).sum()) for logits in (batched, single))
    score = reference.score(batched)
    return Check(
        metric=score,
        metric_drop=_sign(reference) * (reference.score(reference.logits_NC) - score),
        agreement=1 - wrong / len(expected_NC),
        num_disagreeing=wrong,
        max_logit_gap=float(max(np.abs(logits - reference.logits_NC).max() for logits in (batched, single))),
        logits_NC=batched,
    )


def drop_interval(checked: Check, reference: Reference, *, seed: int = 0) -> tuple[float, float]:
    """The 95 % percentile interval of the drop: both models are scored on the same rows, drawn again."""
    if np.array_equal(checked.logits_NC, reference.logits_NC):
        return 0.0, 0.0
    generator = np.random.default_rng(seed)
    sign, num_rows = _sign(reference), len(reference.split)
    drops = []
    tallies = [reference.tally(logits) for logits in (reference.logits_NC, checked.logits_NC)]
    for _ in range(NUM_RESAMPLES):
        drawn = generator.integers(0, num_rows, num_rows)
        exact, found = (reference.score_of(tally.take(drawn)) for tally in tallies)
        drops.append(sign * (exact - found))
    low, high = np.percentile(drops, PERCENTILES)
    return float(low), float(high)


def file_mb(path: Path) -> float:
    """Size of a file in 10^6 bytes."""
    return path.stat().st_size / 1e6


def choose(reports: Sequence[VariantReport], objective: Objective) -> VariantReport | None:
    """The best variant within the limits; None if there is none."""
    passed = [report for report in reports if report.passed]
    if objective is Objective.size:
        return min(passed, key=lambda report: report.size_mb, default=None)
    return min(passed, key=lambda report: report.timing.latency_ms, default=None)


def median_texts(texts: Sequence[Text], count: int) -> list[Text]:
    """So many texts around the median length, that of median length first; a few are taken again if there are fewer."""
    ordered = sorted(texts, key=lambda text: len("".join(text)))
    middle = len(ordered) // 2
    by_distance = sorted(range(len(ordered)), key=lambda place: (abs(place - middle), place))
    return [ordered[place] for place in itertools.islice(itertools.cycle(by_distance), count)]


def _sign(reference: Reference) -> float:
    return 1.0 if reference.maximize else -1.0
