"""Metrics that cannot reach their best on these rows, whatever a model answers."""

import math
from collections.abc import Mapping, Sequence

from slimtune.training.data.examples import Example
from slimtune.training.metrics import Measure, Tally, compute_all
from slimtune.training.tracking.display import warned

# what an answer gets that is the reference, if the metric can see it
BEST = {"exact_match": 1.0, "bleu": 100.0, "chrf": 100.0} | dict.fromkeys(
    ("rouge1", "rouge2", "rougeL", "rougeLsum"), 1.0
)
SAMPLED_ROWS, NEARLY = 200, 0.95


def metric_notes(measures: Sequence[Measure], examples: Sequence[Example]) -> list[str]:
    """A note for each score that the references themselves do not get in full."""
    asked = [one for one in measures if "prediction" in one.needs and set(one.keys) <= BEST.keys()]
    texts = [example.label.strip() for example in examples[:SAMPLED_ROWS]]
    if not asked or not texts:
        return []
    rows = [example.row for example in examples[:SAMPLED_ROWS]]
    found = compute_all(asked, Tally.of(prediction=texts, reference=texts, data=rows))
    return [_note(key, score) for key, score in _unreached(found).items()]


def _unreached(found: Mapping[str, float]) -> dict[str, float]:
    return {key: score for key, score in found.items() if not math.isnan(score) and score < NEARLY * BEST[key]}


def _note(key: str, score: float) -> str:
    why = "it leaves out signs such as these have, or they have too few words for it"
    other = "exact_match" if key == "chrf" else "chrf"
    return warned(
        f"{key} gives the right answers themselves {score:.3g}, not {BEST[key]:g}: {why}; so it tells good models "
        f"from bad ones poorly here: look at another score, e.g. {other}"
    )
