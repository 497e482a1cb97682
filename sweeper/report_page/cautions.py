"""What a reader should not overlook: each a sentence with its numbers, and what to do."""

import math
from collections.abc import Iterator, Sequence

from slimtune.export.promotion.rules import SHARED
from slimtune.sweeper.report_page.sweep_facts import SweepFacts
from slimtune.sweeper.reporting.live_table import value_text
from slimtune.sweeper.space.dimension import Choice, Dimension, Scalar, is_number
from slimtune.sweeper.study import TrialState
from slimtune.training.config.score_range import MORE_ROWS
from slimtune.training.listed_names import agreeing, counted
from slimtune.training.tracking.display import NO_MODEL, told_baseline

# what to do where a simple model is as good
LONGER = "Train longer (fit.epochs), widen the search, or use the baseline."
ROOM = f"Hardly a model can be better on so few rows: {MORE_ROWS}, or use the baseline."
OTHER_ROWS = "No model can be better there: use the baseline, score on other rows, or by another task.metric."
# so near to the end of a range, as a share of it, is at the end
NEAR_END = 0.02
# trials that failed for causes of their own
MANY_FAILED = 0.2
# with fewer, one more is likely to be better
FEW_COMPLETE = 3


def cautions(facts: SweepFacts) -> list[str]:
    """All of them, the gravest first; empty where there is nothing to say."""
    return [
        *_leaks(facts),
        *_one_answer(facts),
        *_nothing_complete(facts),
        *baselines_not_beaten(facts),
        *_failed(facts),
        *_noise(facts),
        *_bounds(facts),
        *_few(facts),
        *_refused(facts),
        *_removed(facts),
    ]


def _leaks(facts: SweepFacts) -> Iterator[str]:
    data = facts.data or {}
    near = int(data.get("leaks_near") or 0)
    if near and not data.get("leaks_removed", True):
        repair = f"they are {SHARED}" if data.get("leaks_shared") else "set data.drop_leaks=true"
        yield (
            f"Leak found: {counted(near, 'training row is', 'training rows are')} nearly a held-out row and stayed in "
            f"training, so every score here may be too good; {repair}, and run the sweep anew."
        )


def _one_answer(facts: SweepFacts) -> Iterator[str]:
    if note := facts.stage("test").get("note"):
        yield f"Test: {note}."


def _removed(facts: SweepFacts) -> Iterator[str]:
    """Leaks that were dealt with, which is no alarm."""
    data = facts.data or {}
    exact, near = int(data.get("leaks_exact") or 0), int(data.get("leaks_near") or 0)
    if exact:
        yield (
            f"{_rows(exact)} also {agreeing(exact, 'a held-out row; it was', 'held-out rows; they were')} removed "
            "from training. Look where the rows come from: there may be more that only look different."
        )
    if near and data.get("leaks_removed", True):
        were = agreeing(near, "it was", "they were")
        yield f"{_rows(near)} nearly a held-out row; {were} removed from training."


def _rows(count: int) -> str:
    return counted(count, "training row was", "training rows were")


def _nothing_complete(facts: SweepFacts) -> Iterator[str]:
    ended = [trial for trial in facts.trials if trial.finished]
    if ended and not facts.ranked():
        states = ", ".join(f"{sum(one.standing == kind for one in ended)} {kind}" for kind in _kinds(facts))
        yield f"No trial is complete: of {len(ended)} that ended, {states}. The leaderboard has what they said."


def _kinds(facts: SweepFacts) -> list[str]:
    return list(dict.fromkeys(trial.standing for trial in facts.trials if trial.finished))


def baselines_not_beaten(facts: SweepFacts) -> Iterator[str]:
    """A sentence for each simple model that is as good as the winner's mean, or as the best trial so far."""
    best, baselines = facts.best(), (facts.data or {}).get("baselines") or {}
    who, own = "the best trial", None if best is None else best.objective
    if (winner := facts.winner()) is not None:
        who, own = "the winner", winner.get("score", own)
    if own is None or facts.goals.several:
        return
    for name, scores in baselines.items():
        value = scores.get(facts.metric)
        if value is None or (own > value if facts.maximize else own < value):
            continue
        # the data report has looked whether there is a better score at all
        notes = [str(note) for note in (facts.data or {}).get("notes") or [] if told_baseline(name) in str(note)]
        said = {NO_MODEL: OTHER_ROWS, MORE_ROWS: ROOM}
        repair = next((repair for told, repair in said.items() if any(told in note for note in notes)), LONGER)
        yield (
            f"Baseline not beaten: {told_baseline(name)} has {facts.metric} {value:z.4f} on "
            f"validation, {who} {own:z.4f}. {repair}"
        )


def _failed(facts: SweepFacts) -> Iterator[str]:
    failed = [trial for trial in facts.trials if trial.state is TrialState.failed]
    if failed and len(failed) >= MANY_FAILED * len(facts.trials):
        kinds = ", ".join(sorted({str(trial.kind) for trial in failed}))
        yield (
            f"{len(failed)} of {counted(len(facts.trials), 'trial')} failed ({kinds}): they took part of the budget "
            "and taught the sampler nothing. Open them in the leaderboard for what they said."
        )


def _noise(facts: SweepFacts) -> Iterator[str]:
    if (told := facts.doubt()) is not None:
        yield told


def _bounds(facts: SweepFacts) -> Iterator[str]:
    best = facts.best()
    if best is None:
        return
    for key, value in best.params.items():
        dimension = facts.dimensions.get(key)
        if dimension is not None and (end := end_of(value, dimension)) is not None:
            yield (
                f"At a bound: the best trial has {key}={value_text(value)}, the {end} end of what was searched "
                f"({_range(dimension)}). The best value may lie beyond: search a range that goes further {_way(end)}."
            )


def _way(end: str) -> str:
    return "down" if end == "lower" else "up"


def _range(dimension: Dimension) -> str:
    if isinstance(dimension, Choice):
        return ", ".join(value_text(value) for value in dimension.values)
    return f"{value_text(dimension.low)} to {value_text(dimension.high)}"


def end_of(value: Scalar, dimension: Dimension) -> str | None:
    """`lower` or `upper` where a value is at an end of its range; None else, and where there is no order."""
    if not is_number(value):
        return None
    if isinstance(dimension, Choice):
        return _end_of_choice(float(value), dimension)
    low, high, at = float(dimension.low), float(dimension.high), float(value)
    if not low < high:
        return None
    if dimension.log:
        low, high, at = math.log(low), math.log(high), math.log(at)
    share = (at - low) / (high - low)
    return "lower" if share <= NEAR_END else "upper" if share >= 1 - NEAR_END else None


def _end_of_choice(value: float, dimension: Choice) -> str | None:
    """Of three or more numbers; of two, each is an end."""
    numbers = [one for one in dimension.values if is_number(one)]
    if len(numbers) < 3 or len(numbers) < len(dimension.values):
        return None
    return "lower" if value == min(numbers) else "upper" if value == max(numbers) else None


def _few(facts: SweepFacts) -> Iterator[str]:
    ranked = facts.ranked()
    if facts.winner() is not None and 0 < len(ranked) < FEW_COMPLETE:
        pruned = sum(trial.state is TrialState.pruned for trial in facts.trials)
        yield (
            f"Few complete trials: {len(ranked)} of {len(facts.trials)}; {pruned} were pruned. More trials go on "
            f"from these: slimtune resume {facts.words} --n-trials {2 * len(facts.trials)}."
        )


def _refused(facts: SweepFacts) -> Iterator[str]:
    reports: Sequence[dict[str, object]] = facts.stage("export").get("reports") or []
    refused = [str(one.get("name")) for one in reports if not one.get("passed") and one.get("name") != "pytorch"]
    if refused:
        yield (
            f"Refused variants: {', '.join(refused)} changed more answers or lost more score than the export's limits "
            "allow. They were not bundled; the table of variants has the numbers."
        )
