"""Configs and scores by the keys, and in the form, that the tracker's pages show best."""

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from slimtune.training.config.score_range import OTHERS

# of a link: a fresh browser shows MLflow's pages of traces otherwise
MODE = "workflowType=machine_learning"

# notes that ask something of a person; a note of another config begins with its options
WARNING = "warning: "
PLACE = re.compile(rf"(?:^|: ){WARNING}")
# simple models that a model is compared with
MAJORITY, BAG_OF_WORDS, NEAREST, LOOKUP, OVERLAP, UNIGRAM, MEAN = (
    "majority",
    "bag_of_words",
    "nearest",
    "lookup",
    "word_overlap",
    "unigram",
    "mean",
)
# of those whose names do not say it
ANSWERS = {
    MAJORITY: "always the largest class",
    NEAREST: "the answer of the most alike training row",
    LOOKUP: "the spans of the training rows, looked up",
    OVERLAP: "the share of common words",
    UNIGRAM: "token counts alone",
    MEAN: "always the mean",
}


def display(value: Any) -> str:
    """A param as the UI shows it: floats to four significant digits."""
    return f"{value:z.4g}" if isinstance(value, float) else str(value)


def tracked_number(value: float) -> float:
    """A metric as it is written to the tracker: six digits fit the UI's columns; study and manifest keep the rest."""
    return float(f"{value:.6g}")


def by_dotted_key(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, by dotted key."""
    flattened: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            flattened |= by_dotted_key(value, f"{name}.")
        else:
            flattened[name] = value
    return flattened


def best_metrics(scores: Mapping[str, Any]) -> dict[str, float]:
    """The `validation/` scores of the best evaluation as final metrics, `best/`."""
    return {
        f"best/{key.removeprefix('validation/')}": value
        for key, value in scores.items()
        if key.startswith("validation/")
    }


def log10_name(key: str) -> str:
    """What the logarithm of a key's value is called: `log10_learning_rate` for `fit.learning_rate`."""
    return f"log10_{key.rpartition('.')[-1]}"


def log10_params(sampled: Mapping[str, Any], log_scaled: Collection[str]) -> dict[str, str]:
    """The logarithms of values that are sampled evenly in it: the UI's axes are linear only.

    Args:
        sampled: Values by config key.
        log_scaled: Those keys.
    """
    return {
        log10_name(key): f"{math.log10(value):.2f}"
        for key, value in sampled.items()
        if key in log_scaled and isinstance(value, int | float) and value > 0
    }


def without_log10(params: Mapping[str, str]) -> dict[str, str]:
    """The params of a run that are keys of its config: those that `log10_params` puts beside them are none."""
    beside = {log10_name(key) for key in params if not key.startswith("log10_")}
    return {key: value for key, value in params.items() if key not in beside}


class ToldScore(NamedTuple):
    """A score of the test rows, as it is told everywhere.

    Attributes:
        name: Of the score.
        value: Its number.
        beside: What it goes up to, where that is not 1 as others beside it do, and its interval.
    """

    name: str
    value: str
    beside: str

    def __str__(self) -> str:
        return f"{self.name} {self.value}{self.beside}"


def told_scores(scores: Mapping[str, Mapping[str, Any]]) -> list[ToldScore]:
    """Each by its name; what has no number on these rows, as the average precision of graded pairs, is left out."""
    return [
        ToldScore(name, f"{one['value']:z.4f}", f"{_of_which(name)} ({told_span(one['low'], one['high'])})")
        for name, one in scores.items()
        if one["value"] is not None and not math.isnan(one["value"])
    ]


def _of_which(name: str) -> str:
    span = OTHERS.get(name)
    return " of 100" if span is not None and span.most == 100 else ""


def told_span(low: float | None, high: float | None) -> str:
    """Both ends of a score's interval; where they are NaN, or None as a file has it, that there is none."""
    if low is None or high is None or math.isnan(low):
        return "no interval"
    return f"{low:z.4f} to {high:z.4f}"


def told_readings(test: Mapping[str, Any]) -> str:
    """How often a sweep has read its test rows, and for whom; each checkpoint that is chosen reads them once.

    Args:
        test: What was found on them, with `readings` where it is not the first, and `trials`, whose checkpoints were
            read, in order; without them it is not known whose they were.
    """
    times = int(test.get("readings", 1))
    return "read once" if times == 1 else f"read {times} times, {_read_for(test.get('trials') or (), times)}"


def _read_for(trials: Sequence[int], times: int) -> str:
    numbers = [str(number) for number in dict.fromkeys(trials)]
    if len(trials) != times:
        return "each time for another checkpoint"
    if len(numbers) == 1:
        return f"each time for another checkpoint of trial {numbers[0]}"
    if len(numbers) == times:
        return "each time for another winner"
    return f"for checkpoints of trials {', '.join(numbers[:-1])} and {numbers[-1]}"


def warned(note: str) -> str:
    """The note as a warning."""
    return f"{WARNING}{note}"


def told_warnings(notes: Iterable[str]) -> str:
    """How many warnings there are, as the end of a sentence: `, with 1 warning (above)`; nothing without one."""
    number = sum(PLACE.search(note) is not None for note in notes)
    return f", with {number} warning{'s' if number > 1 else ''} (above)" if number else ""


def short_name(name: str) -> str:
    """As people read it: `bag of words`."""
    return name.replace("_", " ")


# said of a baseline that has the best score that there is
NO_MODEL = "no model can beat this: none becomes champion unless promotion.beats_baseline=false"


def told_baseline(name: str) -> str:
    """Its short name, and how it answers: `nearest (the answer of the most alike training row)`."""
    return f"{short_name(name)} ({ANSWERS[name]})" if name in ANSWERS else short_name(name)
