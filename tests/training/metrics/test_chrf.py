import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st

from slimtune.training.metrics.chrf import chrf

texts = st.text("abcd 日本語", max_size=12)


def test_chrf_weighs_recall_twice() -> None:
    """Precision 1 and recall the mean of 2/3 and 1/2, as only orders 1 and 2 occur: 5PR / (4P + R)."""
    recall = (2 / 3 + 1 / 2) / 2
    scores = chrf(predictions=["ab"], references=["abc"])
    assert scores["chrf"] == pytest.approx(100 * 5 * recall / (4 + recall))


@settings(deadline=None, max_examples=40)
@given(rows=st.lists(st.tuples(texts, texts), min_size=1, max_size=6))
def test_chrf_is_sacrebleu_over_the_corpus(rows: list[tuple[str, str]]) -> None:
    predictions, references = map(list, zip(*rows, strict=True))
    scores = chrf(predictions=predictions, references=references)
    assert scores["chrf"] == pytest.approx(sacrebleu.corpus_chrf(predictions, [references]).score)
