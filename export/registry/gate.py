"""Who may be champion: a candidate that is better than the present one on the same rows."""

from collections.abc import Callable
from typing import NamedTuple

from slimtune.export.bundle.bundle import Bundle


class Decision(NamedTuple):
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


def decide(candidate: Bundle, champion: Bundle | None, rows: OnRows | None) -> Decision:
    """Compare two bundles.

    Args:
        candidate: Who asks.
        champion: Who holds the alias, if anybody does.
        rows: What to score both on; None compares their recorded scores, if those are from the same rows.
    """
    if champion is None:
        return Decision(True, "there was no champion")
    if _question(candidate) != _question(champion):
        return Decision(False, "the champion answers another kind of question (task, several labels, pairs of texts)")
    if set(candidate.labels) != set(champion.labels):
        return Decision(False, f"its labels are not the champion's ({', '.join(champion.labels)})")
    metric = candidate.manifest["metric"]
    if rows is not None:
        scores = (rows.score(bundle) for bundle in (candidate, champion))
        return _compare(rows.metric, *scores, num_rows=rows.num_rows)
    if champion.manifest["data_fingerprint"] != candidate.manifest["data_fingerprint"]:
        return Decision(False, "the champion was measured on other rows; give --data <labelled file> to score both")
    if champion.manifest["metric"] != metric:
        return Decision(False, f"the champion was chosen by {champion.manifest['metric']}, the candidate by {metric}")
    # a bundle of the first versions does not say
    direction = candidate.manifest.get("direction", "minimize" if metric == "loss" else "maximize")
    sign = 1.0 if direction == "maximize" else -1.0
    num_rows = candidate.manifest["num_validation_rows"]
    return _compare(metric, sign * recorded(candidate), sign * recorded(champion), num_rows=num_rows)


def _question(bundle: Bundle) -> tuple[object, ...]:
    return bundle.kind.writes, bundle.kind if not bundle.kind.writes else None, bundle.multi_label, bundle.takes_pairs


def recorded(bundle: Bundle) -> float:
    """The metric of the bundle's variant on its validation rows."""
    variants = {item["name"]: item for item in bundle.manifest["variants"]}
    return float(variants[bundle.manifest["variant"]]["metric"])


def _compare(metric: str, candidate: float, champion: float, *, num_rows: int) -> Decision:
    what = f"{metric} {abs(candidate):.4f} against the champion's {abs(champion):.4f} on {num_rows} rows"
    return Decision(candidate > champion, what if candidate > champion else f"{what}: not better")
