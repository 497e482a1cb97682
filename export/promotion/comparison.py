"""Two bundles on the same rows by the task's own metric, and whether the gain is more than an accident."""

# N rows

import math
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import permutation_test

from slimtune.export.bundle.bundle import Bundle
from slimtune.export.evaluation.batch_notes import batch_notes
from slimtune.export.evaluation.bundle_score import BundleScores, bundle_config, score_bundle, score_labels
from slimtune.export.graph_names import Kind
from slimtune.export.promotion.compared_rows import Rows
from slimtune.training.config.score_range import SHARES_OF_ROWS
from slimtune.training.data.examples import Example
from slimtune.training.errors import ModelError
from slimtune.training.evaluation.bootstrap import (
    CONFIDENCE,
    NUM_RESAMPLES,
    NUM_TEXT_RESAMPLES,
    drawn_rows,
    percentile_interval,
    units_of,
)
from slimtune.training.evaluation.score import source_of
from slimtune.training.listed_names import counted
from slimtune.training.metrics import Measure, Tally, compute_all

# metrics that are the mean of what each row has; the loss is one where all rows weigh the same
MEANS_OF_ROWS = (*SHARES_OF_ROWS, "loss")
PERMUTATION, BOOTSTRAP = "paired permutation test", "paired bootstrap"
NUM_PERMUTATIONS = 9999
# of one batch of permutations: 32 MB
MOST_NUMBERS = 1 << 22
SEED = 0


class Comparison(NamedTuple):
    """A challenger beside the champion, on the same rows.

    Attributes:
        metric: What is compared.
        rows: What the rows are, in words.
        num_rows: How many.
        challenger: Its score.
        champion: The champion's.
        gain: By how much the challenger is better; below 0 it is worse.
        low: Lower end of the gain's interval, rows drawn again in pairs; None without a test.
        high: Upper end.
        p_value: Of the permutation test, two-sided; None with another test or none.
        test: Its name; None if there was none.
        is_better: Whether the test shows the challenger to be better; None without one.
        is_worse: Whether it shows it to be worse.
        notes: What a person should know of it.
        num_seen: Rows that the challenger was trained on.
    """

    metric: str
    rows: str
    num_rows: int
    challenger: float
    champion: float
    gain: float
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    test: str | None = None
    is_better: bool | None = None
    is_worse: bool | None = None
    notes: Sequence[str] = ()
    num_seen: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**self._asdict(), "notes": list(self.notes)}

    @property
    def told(self) -> str:
        """In one line."""
        compared = (
            f"{self.metric} {self.challenger:z.4f} against the champion's {self.champion:z.4f} on "
            f"{counted(self.num_rows, 'row')}"
        )
        if self.low is None or self.high is None:
            return compared
        by = "" if self.p_value is None else f", p {self.p_value:.3g}"
        return f"{compared}, gain {self.gain:+z.4f} ({self.low:+z.4f} to {self.high:+z.4f}{by})"


def compare(
    challenger: Bundle, champion: Bundle, rows: Rows, *, confidence: float | None, trust: bool = False
) -> Comparison:
    """Score both on the rows by the challenger's metric, in the same process and by the same graphs that are served.

    Args:
        challenger: Who asks; its task says what the metric is.
        champion: Who has the alias.
        rows: What both are scored on.
        confidence: Of the test; None makes none, and an interval of 95 %.
        trust: Whether code that the bundles' configs name may be run.

    Raises:
        ModelError: One of them has no such score of rows.
        UntrustedError: A bundle's config names code that is needed, and `trust` is false.
    """
    metric = challenger.manifest.training.metric
    own = _scored(challenger, rows.examples, metric, trust=trust)
    other = _scored(champion, rows.examples, metric, trust=trust)
    tally, measure = source_of(own.evaluation, own.task.measures, metric)
    is_text = tally is own.evaluation.generated
    beside = other.evaluation.generated if is_text else other.evaluation.tally
    if beside is None:
        raise ModelError(f"the champion writes no text, which {metric} is of")
    sign = 1.0 if challenger.manifest.training.direction == "maximize" else -1.0
    paired = _Paired(tally, beside, measure, metric, sign)
    num_resamples = NUM_TEXT_RESAMPLES if is_text else NUM_RESAMPLES
    scores = paired.score(tally), paired.score(beside)
    gain, num_rows = sign * (scores[0] - scores[1]), len(rows.examples)
    notes = [*rows.notes, *batch_notes(challenger=challenger, champion=champion)]
    found = Comparison(metric, rows.name, num_rows, *scores, gain, notes=notes, num_seen=rows.num_seen)
    return _tested(found, paired, confidence=confidence, num_resamples=num_resamples)


class _Paired(NamedTuple):
    """Both tallies, row by row."""

    own: Tally
    other: Tally
    measure: Measure
    metric: str
    sign: float

    def score(self, tally: Tally) -> float:
        return compute_all([self.measure], tally)[self.metric]

    def differences(self) -> np.ndarray | None:
        """Gain of each row, where the metric is their mean (N); None where it is not."""
        ones = [self._by_row(tally) for tally in (self.own, self.other)]
        return None if ones[0] is None or ones[1] is None else self.sign * (ones[0] - ones[1])

    def _by_row(self, tally: Tally) -> np.ndarray | None:
        if self.metric not in MEANS_OF_ROWS or "example" in tally.columns:
            return None
        if self.metric == "loss":
            weights = np.asarray(tally.columns["weight"], dtype=float)
            return np.asarray(tally.columns["nats"]) / weights if np.ptp(weights) == 0 else None
        return np.array([self.score(tally.take([row])) for row in range(len(tally))])


def _tested(found: Comparison, paired: _Paired, *, confidence: float | None, num_resamples: int) -> Comparison:
    units, others = units_of(paired.own), units_of(paired.other)
    if units != others:
        return found._replace(notes=[*found.notes, "no paired test: the two models cut the rows into other parts"])
    if len(units) < 2 or not math.isfinite(found.gain):
        return found._replace(notes=[*found.notes, "no paired test: too few rows"])

    def gain(drawn: np.ndarray) -> float:
        both = (paired.score(drawn_rows(tally, units, drawn)) for tally in (paired.own, paired.other))
        own, other = both
        return paired.sign * (own - other)

    with warnings.catch_warnings():
        # rows that are drawn may have one class alone
        warnings.simplefilter("ignore")
        low, high = percentile_interval(
            gain, len(units), num_resamples=num_resamples, seed=SEED, confidence=confidence or CONFIDENCE
        )
    found = found._replace(low=low, high=high)
    if confidence is None:
        return found
    differences = paired.differences()
    if differences is None:
        return found._replace(test=BOOTSTRAP, is_better=low > 0, is_worse=high < 0)
    p_value = _sign_flip(differences)
    is_shown = p_value < 1 - confidence
    return found._replace(
        test=PERMUTATION, p_value=p_value, is_better=is_shown and found.gain > 0, is_worse=is_shown and found.gain < 0
    )


def _sign_flip(differences_N: np.ndarray) -> float:
    """Of the paired permutation test of a mean, two-sided; exact for few rows that differ (Good 2005, ch. 3)."""
    # rows that are alike do not change a permutation
    differing = differences_N[differences_N != 0]
    if len(differing) < 2:
        return 1.0
    found = permutation_test(
        (differing,),
        lambda signed, axis: np.sum(signed, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=NUM_PERMUTATIONS,
        batch=max(1, MOST_NUMBERS // len(differing)),
        rng=np.random.default_rng(SEED),
    )
    return float(found.pvalue)


def _scored(bundle: Bundle, examples: Sequence[Example], metric: str, *, trust: bool) -> BundleScores:
    """What a classifier is known to give needs no config, and so no trust."""
    if bundle.kind is Kind.labels:
        scored = score_labels(bundle, examples)
        if metric in scored.evaluation.scores:
            return scored
    return score_bundle(bundle, examples, bundle_config(bundle, trust=trust))
