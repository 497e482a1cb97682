import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slimtune.training.data.duplicates import near_duplicates as module
from slimtune.training.data.duplicates.near_duplicates import Conflict, Match, jaccard, label_conflicts, near_duplicates

TEXTS = st.lists(st.lists(st.sampled_from(["ab", "cd", "ef", "gh"]), max_size=12).map(" ".join), max_size=12)


def brute_force(texts: Sequence[str], others: Sequence[str], threshold: float) -> list[Match]:
    """Every pair, by the definition, in the order promised."""
    found = []
    others_grams = [grams(other) for other in others]
    for text_index, text in enumerate(texts):
        one = grams(text)
        for other_index, two in enumerate(others_grams):
            similarity = len(one & two) / len(one | two) if one | two else 1.0
            if similarity >= threshold:
                found.append(Match(text_index, other_index, similarity))
    return found


def grams(text: str) -> set[str]:
    """Three words in a row; the words of a text of fewer."""
    words = text.lower().split()
    size = 3 if len(words) >= 3 else 1
    return {"|".join(words[start : start + size]) for start in range(len(words) - size + 1)}


def edited_texts(num_texts: int, *, num_words: int, seed: int) -> list[str]:
    """Random texts, most of them an earlier one with up to four words replaced."""
    rng = np.random.default_rng(seed)
    texts: list[list[str]] = []
    for _ in range(num_texts):
        words = list(texts[rng.integers(len(texts))]) if texts and rng.random() < 0.7 else ["x"] * num_words
        places = range(num_words) if words[0] == "x" else rng.integers(1, num_words, size=rng.integers(0, 5))
        for place in places:
            words[place] = f"word{rng.integers(500)}"
        texts.append(words)
    return [" ".join(words) for words in texts]


@settings(deadline=None, max_examples=60)
@given(TEXTS, TEXTS, st.sampled_from([0.5, 0.6, 0.75, 0.9, 1.0]))
def test_pairs_are_those_of_brute_force(texts: list[str], others: list[str], threshold: float) -> None:
    assert near_duplicates(texts, others, threshold=threshold) == brute_force(texts, others, threshold)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("threshold", [0.5, 0.8, 0.9])
def test_edited_texts_are_found(seed: int, threshold: float) -> None:
    """Of pairs all around the threshold, exactly those at or over it."""
    texts, others = edited_texts(150, num_words=80, seed=seed), edited_texts(150, num_words=80, seed=seed)[:60]
    expected = brute_force(texts, others, threshold)
    assert near_duplicates(texts, others, threshold=threshold) == expected
    assert any(match.similarity < 1 for match in expected), "the data must have near pairs"


def test_case_and_spacing_do_not_count() -> None:
    assert near_duplicates(["  The  CAT sat\tdown"], ["the cat\nsat down", "the cat sat"]) == [Match(0, 0, 1.0)]


def test_short_texts_are_compared_by_words() -> None:
    assert near_duplicates(["so good", "good", ""], ["good so", "Good", "so good it is"]) == [
        Match(0, 0, 1.0),
        Match(1, 1, 1.0),
    ]


def test_order_of_words_counts_in_longer_texts() -> None:
    """Else 'not good, bad' would be the same as 'not bad, good'."""
    assert near_duplicates(["not good but bad"], ["not bad but good"]) == []


def test_one_changed_word_in_a_long_text_is_near() -> None:
    words = [f"w{index}" for index in range(65)]
    changed = [*words[:30], "other", *words[31:]]
    (match,) = near_duplicates([" ".join(words)], [" ".join(changed)])
    assert match.similarity == 60 / 66


def test_nothing_matches_no_texts() -> None:
    assert near_duplicates([], ["a"]) == near_duplicates(["a"], []) == []


def test_texts_of_one_template_stay_cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every text is like every other; each is compared with a few, and finds its match."""
    monkeypatch.setattr(module, "MAX_BUCKET", 4)
    matches = near_duplicates(["the same text again"] * 30, ["The same text again"] * 20)
    assert [match.text for match in matches] == [index for index in range(30) for _ in range(4)]


@pytest.mark.parametrize("threshold", [0.49, 1.01, float("nan")])
def test_a_threshold_out_of_range_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match=r"threshold is .*; use a share in \[0.5, 1\]"):
        near_duplicates(["a"], ["a"], threshold=threshold)


def test_of_five_thousand_texts_few_pairs_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes the time: there are 5 million pairs, and as many as a bucket's limit for each text may be."""
    texts, num_compared = edited_texts(5_000, num_words=14, seed=0), itertools.count()
    monkeypatch.setattr(module, "jaccard", lambda one, other: (next(num_compared), jaccard(one, other))[1])
    matches = near_duplicates(texts, texts[:1000])
    assert next(num_compared) < module.MAX_BUCKET * len(texts)
    assert {match.text for match in matches} >= set(range(1000))


def test_conflicts_are_rows_that_an_earlier_one_contradicts() -> None:
    """The most similar first, each row once."""
    words = [f"w{index}" for index in range(65)]
    near, same = " ".join([*words[:-1], "end"]), " ".join(words)
    texts = [same, "unrelated words are here", near, same.upper(), "Unrelated words are here"]
    labels = ["plus", "zero", "minus", "minus", "zero"]
    assert label_conflicts(texts, labels) == [Conflict(3, 0), Conflict(2, 0)]


def test_half_of_a_surrogate_pair_is_a_character_like_another() -> None:
    """JSON may hold one; it has no UTF-8."""
    assert near_duplicates(["so \ud800 it is"], ["so \ud800 it is", "so it is"]) == [Match(0, 0, 1.0)]
