from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from slimtune.training.metrics.rouge import ROUGE_TYPES, rouge

texts = st.lists(st.sampled_from(["the", "cat", "Cats", "sat", "mat.", "\n"]), max_size=10).map(" ".join)


def test_rouge_counts_common_words_pairs_and_subsequences() -> None:
    """5 of 6 words, 3 of 5 pairs, and 5 of 6 words in order."""
    scores = rouge(predictions=["the cat lay on the mat"], references=["the cat sat on the mat"])
    assert scores == pytest.approx({"rouge1": 5 / 6, "rouge2": 3 / 5, "rougeL": 5 / 6, "rougeLsum": 5 / 6})


@settings(deadline=None, max_examples=40)
@given(rows=st.lists(st.tuples(texts, texts), min_size=1, max_size=6))
def test_rouge_is_the_mean_of_rouge_score_over_rows(rows: list[tuple[str, str]]) -> None:
    scorer = RougeScorer(ROUGE_TYPES, use_stemmer=False)
    expected = {name: fmean(scorer.score(r, p)[name].fmeasure for p, r in rows) for name in ROUGE_TYPES}
    predictions, references = map(list, zip(*rows, strict=True))
    scores = rouge(predictions=predictions, references=references)
    assert scores == pytest.approx(expected)


def test_lines_are_the_sentences_of_rouge_lsum_only() -> None:
    scores = rouge(predictions=["one two\nthree four"], references=["three four\none two"])
    assert scores["rougeLsum"] == 1.0
    assert scores["rougeL"] == 0.5


def test_words_are_not_stemmed() -> None:
    assert rouge(predictions=["cats"], references=["cat"])["rouge1"] == 0.0
