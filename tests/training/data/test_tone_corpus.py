import itertools
import re
from collections import Counter

import pytest

from slimtune.training.data.readers.reader import Row, read_rows


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return read_rows("package:slimtune/training/data/corpora/tone.jsonl")


def test_the_card_counts_its_rows(rows: list[Row]) -> None:
    """At least 900 phrases, six tones, evenly spread."""
    assert len(rows) == 1187
    counts = Counter(row["label"] for row in rows)
    assert sorted(counts) == ["angry", "anxious", "grateful", "joyful", "neutral", "sarcastic"]
    assert set(counts.values()) == {197, 198}


def test_no_two_phrases_share_more_than_55_percent_of_their_words(rows: list[Row]) -> None:
    words = [frozenset(re.findall(r"[a-z0-9']+", row["text"].lower())) for row in rows]
    near = [(a, b) for a, b in itertools.combinations(words, 2) if len(a & b) > 0.55 * len(a | b)]
    assert near == []


def test_no_template_repeats(rows: list[Row]) -> None:
    """No opening of three words begins more than four phrases."""
    openings = Counter(" ".join(row["text"].lower().split()[:3]) for row in rows)
    assert openings.most_common(1)[0][1] <= 4


def test_lengths_vary_in_every_label(rows: list[Row]) -> None:
    for label in {row["label"] for row in rows}:
        lengths = [len(row["text"].split()) for row in rows if row["label"] == label]
        assert min(lengths) <= 5
        assert max(lengths) >= 30
