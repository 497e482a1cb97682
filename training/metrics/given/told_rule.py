"""What a metric of the user's own is told of its values where it takes them for something else."""

from collections.abc import Iterable
from typing import Any

from slimtune.training.metrics.given.guarded import Guarded

# what a value raises that is looked up, counted with, or asked for a part that it has not
TAKEN_FOR_ELSE = (LookupError, TypeError, AttributeError, ValueError)
TEXTS = "predictions and references are texts here"


def told_rule(error: Exception, values: Iterable[Any]) -> str:
    """What predictions and references are; empty where an error says it itself, or does not come of them.

    Args:
        error: What the metric raised.
        values: Predictions, or references, as it was given them.
    """
    if not isinstance(error, TAKEN_FOR_ELSE) or _is_of_a_row(error):
        return ""
    rule = next((_rule_of(value) for value in values), "")
    return "" if rule in str(error) else rule


def _is_of_a_row(error: Exception) -> bool:
    """Whether a plain text was looked up, as the columns of a row are."""
    return isinstance(error, KeyError) and type(next(iter(error.args), None)) is str


def _rule_of(value: Any) -> str:
    if isinstance(value, Guarded):
        return value.rule
    return TEXTS if isinstance(value, str) else ""
