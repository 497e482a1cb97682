"""Who may be champion: a candidate that is better than the present one on the same rows."""

from collections.abc import Callable
from typing import NamedTuple

from slimtune.export.bundle.bundle import Bundle
from slimtune.training.listed_names import with_commas


class GateDecision(NamedTuple):
    """Whether the candidate passes, and why in one line."""

    passed: bool
    reason: str


class OnRows(NamedTuple):
    """Labelled rows that both are scored on.

    Attributes:
        metric: What is compared.
        num_rows: How many rows.
        score: Of a bundle; more is better.
    """

    metric: str
    num_rows: int
    score: Callable[[Bundle], float]


def decide(candidate: Bundle, champion: Bundle | None, rows: OnRows | None) -> GateDecision:
    """Compare two bundles.

    Args:
        candidate: Who asks.
        champion: Who holds the alias, if anybody does.
        rows: What to score both on; None compares their recorded scores, if those are from the same rows.
    """
    if champion is None:
        return GateDecision(True, "there was no champion")
    if _question(candidate) != _question(champion):
        return GateDecision(
            False, "the champion answers another kind of question (task, several labels, pairs of texts)"
        )
    if set(candidate.labels) != set(champion.labels):
        return GateDecision(False, f"its labels are not the champion's ({with_commas(champion.labels)})")
    if rows is not None:
        scores = (rows.score(bundle) for bundle in (candidate, champion))
        return _compare(rows.metric, *scores, num_rows=rows.num_rows)
    own, other = candidate.manifest.training, champion.manifest.training
    if other.data_fingerprint != own.data_fingerprint:
        return GateDecision(False, "the champion was measured on other rows; give --data <labelled file> to score both")
    if other.metric != own.metric:
        return GateDecision(False, f"the champion was chosen by {other.metric}, the candidate by {own.metric}")
    sign = 1.0 if own.direction == "maximize" else -1.0
    scores = (sign * bundle.manifest.score for bundle in (candidate, champion))
    return _compare(own.metric, *scores, num_rows=candidate.manifest.verification.num_validation_rows)


def _question(bundle: Bundle) -> tuple[object, ...]:
    return bundle.kind.writes, bundle.kind if not bundle.kind.writes else None, bundle.multi_label, bundle.takes_pairs


def _compare(metric: str, candidate: float, champion: float, *, num_rows: int) -> GateDecision:
    what = f"{metric} {abs(candidate):.4f} against the champion's {abs(champion):.4f} on {num_rows} rows"
    return GateDecision(candidate > champion, what if candidate > champion else f"{what}: not better")
