"""F1 of spans: one is right only where its start, its end and its type are."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import NamedTuple


class TypeScores(NamedTuple):
    """Scores of one type of span; support is how many spans of it the references have."""

    precision: float
    recall: float
    f1: float
    support: int


def entity_f1(predictions: Sequence[Iterable[str]], references: Sequence[Iterable[str]]) -> dict[str, float]:
    """Precision, recall and F1 over the spans of all rows, and F1 as the mean over types; NaN on no rows.

    A row is a list of spans ``start:end:type``, e.g. ``0:5:person``; a span that a row repeats counts once. Types count
    where either side has them; a division by zero counts as 0.

    Oracle: `seqeval` with `mode="strict", scheme=IOB2`. Source: Tjong Kim Sang and De Meulder 2003, section 2.3.
    """
    if len(references) == 0:
        return dict.fromkeys(("precision", "recall", "f1", "f1_macro"), math.nan)
    counts = _count(predictions, references)
    micro = _scores(counts.hits.total(), counts.predicted.total(), counts.expected.total())
    macro = [scores.f1 for scores in _by_type(counts).values()]
    return {
        "precision": micro.precision,
        "recall": micro.recall,
        "f1": micro.f1,
        "f1_macro": fmean(macro) if macro else 0.0,
    }


def per_type(predictions: Sequence[Iterable[str]], references: Sequence[Iterable[str]]) -> dict[str, TypeScores]:
    """The scores of each type that either side has, by the rules of `entity_f1`; types in order.

    Raises:
        ValueError: A span is not ``start:end:type``, or there are more rows on one side.
    """
    return _by_type(_count(predictions, references))


class _Counts(NamedTuple):
    """Numbers of spans by type."""

    hits: Counter[str]
    predicted: Counter[str]
    expected: Counter[str]


def _count(predictions: Sequence[Iterable[str]], references: Sequence[Iterable[str]]) -> _Counts:
    counts = _Counts(Counter(), Counter(), Counter())
    for prediction, reference in zip(predictions, references, strict=True):
        predicted, expected = _spans(prediction), _spans(reference)
        counts.hits.update(kind for _, _, kind in predicted & expected)
        counts.predicted.update(kind for _, _, kind in predicted)
        counts.expected.update(kind for _, _, kind in expected)
    return counts


def _spans(texts: Iterable[str]) -> set[tuple[int, int, str]]:
    spans = set()
    for text in texts:
        match = re.fullmatch(r"(\d+):(\d+):(.+)", text)
        if match is None:
            raise ValueError(f"span '{text}' is not start:end:type; use e.g. 0:5:person")
        spans.add((int(match[1]), int(match[2]), match[3]))
    return spans


def _by_type(counts: _Counts) -> dict[str, TypeScores]:
    return {
        kind: _scores(counts.hits[kind], counts.predicted[kind], counts.expected[kind])
        for kind in sorted(counts.predicted | counts.expected)
    }


def _scores(hits: int, predicted: int, expected: int) -> TypeScores:
    # hits are 0 wherever a denominator is
    precision, recall = hits / max(predicted, 1), hits / max(expected, 1)
    return TypeScores(precision, recall, 2 * hits / max(predicted + expected, 1), expected)
