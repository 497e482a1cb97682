"""The finalists over their seeds."""

from collections.abc import Sequence

from slimtune.sweeper.report_page.figures.figure import AMBER, BLUE, Figure, plain_text
from slimtune.sweeper.report_page.sweep_facts import SweepFacts
from slimtune.sweeper.study.analysis.finalists import Seeded


def seeds(facts: SweepFacts, found: Sequence[Seeded]) -> Figure | None:
    """A column a finalist: each seed's score, mean and standard deviation; None before reruns."""
    if not any(len(one.scores) > 1 for one in found):
        return None
    names = {one.number: f"trial {one.number}" for one in found}
    each = {
        "type": "scatter",
        "mode": "markers",
        "name": "a seed",
        "x": [names[one.number] for one in found for _ in one.scores],
        "y": [score for one in found for score in one.scores],
        "marker": {"color": AMBER, "symbol": "circle-open", "size": 9, "line": {"width": 2}},
        "hovertemplate": "%{x}: %{y}<extra></extra>",
    }
    means = {
        "type": "scatter",
        "mode": "markers",
        "name": "mean and standard deviation",
        "x": list(names.values()),
        "y": [one.mean for one in found],
        "error_y": {"type": "data", "array": [one.spread or 0.0 for one in found]},
        "marker": {"color": BLUE, "size": 11, "symbol": "diamond"},
        "hovertemplate": "%{x}: mean %{y}<extra></extra>",
    }
    words = (
        f"The best trials again with fresh seeds, {facts.metric} on validation: the trial's own score is one of its "
        "seeds. The best mean is chosen, not the best score."
    )
    layout = {
        "xaxis": {"type": "category", "range": [-0.5, len(found) - 0.5]},
        "yaxis": {"title": {"text": plain_text(facts.metric)}},
    }
    return Figure("seeds", "Reruns under fresh seeds", words, [each, means], layout, height=360)
