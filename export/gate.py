"""Who may be champion: a candidate that is better than the present one on the same rows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from export.answers import Classifier
from export.bundle import Bundle

if TYPE_CHECKING:
    from training.examples import Example


class Decision(NamedTuple):
    """Whether the candidate passes, and why in one line."""

    passed: bool
    reason: str


def decide(candidate: Bundle, champion: Bundle | None, rows: "Sequence[Example] | None") -> Decision:
    """Compare two bundles.

    Args:
        candidate: Who asks.
        champion: Who holds the alias, if anybody does.
        rows: Labelled rows to score both on; None compares their recorded scores, if those are from the same rows.
    """
    if champion is None:
        return Decision(True, "there was no champion")
    if (candidate.multi_label, candidate.takes_pairs) != (champion.multi_label, champion.takes_pairs):
        return Decision(False, "the champion answers another kind of question (several labels, pairs of texts)")
    if set(candidate.labels) != set(champion.labels):
        return Decision(False, f"its labels are not the champion's ({', '.join(champion.labels)})")
    metric = candidate.manifest["metric"]
    if rows is not None:
        return _compare("accuracy", accuracy(candidate, rows), accuracy(champion, rows), num_rows=len(rows))
    if champion.manifest["data_fingerprint"] != candidate.manifest["data_fingerprint"]:
        return Decision(False, "the champion was measured on other rows; give --data <labelled file> to score both")
    if champion.manifest["metric"] != metric:
        return Decision(False, f"the champion was chosen by {champion.manifest['metric']}, the candidate by {metric}")
    # a bundle of the first versions does not say
    direction = candidate.manifest.get("direction", "minimize" if metric == "loss" else "maximize")
    sign = 1.0 if direction == "maximize" else -1.0
    num_rows = candidate.manifest["num_validation_rows"]
    return _compare(metric, sign * recorded(candidate), sign * recorded(champion), num_rows=num_rows)


def accuracy(bundle: Bundle, rows: "Sequence[Example]") -> float:
    """Share of rows whose label, or all of whose labels, the bundle predicts."""
    answers = Classifier(bundle).answer([row.given(pairs=bundle.takes_pairs) for row in rows])
    wanted = [set(row.labels) if bundle.multi_label else {row.label} for row in rows]
    return float(np.mean([set(answer.labels) == labels for answer, labels in zip(answers, wanted, strict=True)]))


def recorded(bundle: Bundle) -> float:
    """The metric of the bundle's variant on its validation rows."""
    variants = {item["name"]: item for item in bundle.manifest["variants"]}
    return float(variants[bundle.manifest["variant"]]["metric"])


def _compare(metric: str, candidate: float, champion: float, *, num_rows: int) -> Decision:
    what = f"{metric} {abs(candidate):.4f} against the champion's {abs(champion):.4f} on {num_rows} rows"
    return Decision(candidate > champion, what if candidate > champion else f"{what}: not better")
