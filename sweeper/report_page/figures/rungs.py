"""Rungs: where trials were compared, and who was stopped there."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from slimtune.sweeper.report_page.figures.figure import AMBER, BLUE, Figure, plain_text
from slimtune.sweeper.report_page.sweep_facts import SweepFacts
from slimtune.sweeper.study import TrialRecord, TrialState
from slimtune.training.listed_names import counted

# the rungs at which most trials were stopped
MOST_RUNGS = 8


class Rung(NamedTuple):
    """A number of training examples after which trials were stopped.

    Attributes:
        examples: How many.
        passed: Trials that reported there and went on, with what they reported.
        stopped: Those for which it was the end.
    """

    examples: int
    passed: Sequence[tuple[int, float]]
    stopped: Sequence[tuple[int, float]]


def rungs_of(trials: Sequence[TrialRecord]) -> list[Rung]:
    """Where trials were pruned, by number of examples; at most `MOST_RUNGS`."""
    pruned = [trial for trial in trials if trial.state is TrialState.pruned and trial.intermediate]
    ends = Counter(max(trial.intermediate) for trial in pruned)
    found = []
    for examples, _ in sorted(ends.most_common(MOST_RUNGS)):
        stopped = [(one.number, one.intermediate[examples]) for one in pruned if max(one.intermediate) == examples]
        here = {number for number, _ in stopped}
        passed = [
            (one.number, value)
            for one in trials
            if one.number not in here and (value := one.intermediate.get(examples)) is not None
        ]
        found.append(Rung(examples, passed, stopped))
    return found


def rungs(facts: SweepFacts, found: Sequence[Rung]) -> Figure | None:
    """Scores at each rung, of those that went on and of those that were stopped; None where nobody was."""
    if not found:
        return None
    data = [
        {
            "type": "box",
            "name": name,
            "x": [f"{rung.examples:,}" for rung in found for _ in getattr(rung, kind)],
            "y": [value for rung in found for _, value in getattr(rung, kind)],
            "customdata": [number for rung in found for number, _ in getattr(rung, kind)],
            "boxpoints": "all",
            "jitter": 0.5,
            "pointpos": 0,
            "marker": {"color": colour, "size": 5},
            "line": {"width": 1},
            "hovertemplate": "trial %{customdata}: %{y}<extra></extra>",
        }
        for name, kind, colour in (("went on", "passed", BLUE), ("stopped here", "stopped", AMBER))
    ]
    layout = {
        "boxmode": "group",
        "xaxis": {
            "title": {"text": "training examples at the rung"},
            "type": "category",
            "categoryorder": "array",
            "categoryarray": [f"{rung.examples:,}" for rung in found],
        },
        "yaxis": {"title": {"text": plain_text(facts.metric)}},
    }
    stopped = sum(len(rung.stopped) for rung in found)
    words = f"{facts.metric} of the trials at each of {counted(len(found), 'rung')}; "
    words += f"{counted(stopped, 'trial was', 'trials were')} stopped there."
    return Figure("rungs", "Rungs and pruning", words, data, layout)
