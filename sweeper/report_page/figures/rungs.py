"""Rungs: where trials were compared, and who was pruned there."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from slimtune.sweeper.report_page.figures.figure import AMBER, BLUE, Figure, plain_text
from slimtune.sweeper.report_page.sweep_facts import SweepFacts
from slimtune.sweeper.study import TrialRecord, TrialState
from slimtune.training.listed_names import counted

# the rungs at which most trials were pruned
MOST_RUNGS = 8


class Rung(NamedTuple):
    """A number of training examples after which trials were pruned.

    Attributes:
        examples: How many.
        passed: Trials that reported there and went on, with what they reported.
        pruned: Those for which it was the end.
    """

    examples: int
    passed: Sequence[tuple[int, float]]
    pruned: Sequence[tuple[int, float]]


def rungs_of(trials: Sequence[TrialRecord]) -> list[Rung]:
    """Where trials were pruned, by number of examples; at most `MOST_RUNGS`."""
    ended = [trial for trial in trials if trial.state is TrialState.pruned and trial.intermediate]
    ends = Counter(max(trial.intermediate) for trial in ended)
    found = []
    for examples, _ in sorted(ends.most_common(MOST_RUNGS)):
        pruned = [(one.number, one.intermediate[examples]) for one in ended if max(one.intermediate) == examples]
        here = {number for number, _ in pruned}
        passed = [
            (one.number, value)
            for one in trials
            if one.number not in here and (value := one.intermediate.get(examples)) is not None
        ]
        found.append(Rung(examples, passed, pruned))
    return found


def rungs(facts: SweepFacts, found: Sequence[Rung]) -> Figure | None:
    """Scores at each rung, of those that went on and of those that were pruned; None where nobody was."""
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
        for name, kind, colour in (("went on", "passed", BLUE), ("pruned here", "pruned", AMBER))
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
    pruned = sum(len(rung.pruned) for rung in found)
    words = f"{facts.metric} of the trials at each of {counted(len(found), 'rung')}; "
    words += f"{counted(pruned, 'trial was', 'trials were')} pruned there."
    return Figure("rungs", "Rungs and pruning", words, data, layout)
