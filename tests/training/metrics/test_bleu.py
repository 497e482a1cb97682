import math

import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st

from slimtune.training.metrics.bleu import bleu

texts = st.lists(st.sampled_from(["the", "cat", "sat", "on", "a", "mat", ".", "don't", "3,000"]), max_size=8).map(
    " ".join
)


def test_bleu_is_the_geometric_mean_of_the_precisions() -> None:
    """5 of 6 words, 3 of 5 pairs, 2 of 4 triples and 1 of 3 quadruples are right; no brevity penalty."""
    scores = bleu(predictions=["the cat sat on the mat"], references=["the cat sat on a mat"])
    assert scores["bleu"] == pytest.approx(100 * math.prod([5 / 6, 3 / 5, 2 / 4, 1 / 3]) ** (1 / 4))


@settings(deadline=None, max_examples=40)
@given(rows=st.lists(st.tuples(texts, texts), min_size=1, max_size=6))
def test_bleu_is_sacrebleu_over_the_corpus(rows: list[tuple[str, str]]) -> None:
    predictions, references = map(list, zip(*rows, strict=True))
    scores = bleu(predictions=predictions, references=references)
    assert scores["bleu"] == pytest.approx(sacrebleu.corpus_bleu(predictions, [references]).score)


def test_the_tokens_are_13a() -> None:
    """Punctuation is a token of its own: the same text with blanks before it scores the same."""
    glued, apart = ["Well, the cat sat."], ["Well , the cat sat ."]
    assert bleu(predictions=glued, references=apart)["bleu"] == pytest.approx(100)
