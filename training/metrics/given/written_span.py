"""A span, as `start:end:label`."""

from numbers import Real
from typing import Any

from slimtune.training.config.own_code import own_copy
from slimtune.training.metrics.given.guarded import Guarded

RULE = "predictions and references are lists of 'start:end:label' here, e.g. '0:6:person'"


class WrittenSpan(Guarded, str):
    """A span; only such a text can equal it."""

    what = "a span"
    rule = RULE
    __hash__ = str.__hash__

    def _is_other_kind(self, other: object) -> bool:
        return str(other).count(":") < 2


class SpanList(Guarded, list[WrittenSpan]):
    """Those of a row; no text and no number equals them."""

    never = (str, Real)
    what = "all spans of a row"
    rule = RULE
    __hash__ = None


def span_guard(value: Any) -> Any:
    """For the spans of a row."""
    return SpanList(map(WrittenSpan, value)) if type(value) is list else own_copy(value)
