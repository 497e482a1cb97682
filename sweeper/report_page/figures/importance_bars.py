"""Parameter importance with its uncertainty."""

from collections.abc import Sequence

from slimtune.sweeper.report_page.figures.figure import BLUE, GREY, Figure, plain_text, short_names
from slimtune.sweeper.study.analysis.importance import INTERVAL_PERCENT, RESAMPLES, Importance

TOLD = (
    "A bar is the parameter's share of what decides whether a trial is among the best (PED-ANOVA, Optuna's), a pruned "
    f"trial with its last score. Its whisker spans {INTERVAL_PERCENT} % of {RESAMPLES} resamples of the trials: where "
    "whiskers overlap, more trials are needed to say which parameter matters more."
)
# more are too small to matter
MOST_BARS = 15


def importance_bars(found: Sequence[Importance]) -> Figure | None:
    """Bars with whiskers, the most important on top; None where too few trials have a score."""
    if not found:
        return None
    shown = list(reversed(found[:MOST_BARS]))
    names = short_names([one.key for one in shown])
    trace = {
        "type": "bar",
        "orientation": "h",
        "x": [one.share for one in shown],
        "y": [plain_text(names[one.key]) for one in shown],
        "marker": {"color": BLUE},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [one.high - one.share for one in shown],
            "arrayminus": [one.share - one.low for one in shown],
            "color": GREY,
        },
        "hovertemplate": "%{y}: %{x:.2f}<extra></extra>",
    }
    layout = {
        "xaxis": {"title": {"text": "share of the importance"}, "range": [0, 1.02]},
        "yaxis": {"type": "category", "dtick": 1},
    }
    return Figure("importance", "Parameter importance", TOLD, [trace], layout, height=120 + 34 * len(shown))
