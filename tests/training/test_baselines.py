import json
import logging
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from tests.conftest import make_rows
from training import baselines as module
from training.baselines import baseline_notes, classification_baselines, unigram_perplexity

TONE = Path(module.__file__).parent / "corpora" / "tone.jsonl"


def test_scores_are_scikit_learns() -> None:
    rows = [json.loads(line) for line in TONE.read_text(encoding="utf-8").splitlines()]
    texts, labels = [row["text"] for row in rows], [row["label"] for row in rows]
    train, held_out = slice(0, 400), slice(400, 500)
    models = {
        "majority": DummyClassifier(),
        "bag_of_words": make_pipeline(
            TfidfVectorizer(token_pattern=module.TOKENS, ngram_range=(1, 2), sublinear_tf=True),
            LogisticRegression(C=5, max_iter=1000),
        ),
    }
    expected = {}
    for name, model in models.items():
        with threadpool_limits(1):
            predicted = model.fit(texts[train], labels[train]).predict(texts[held_out])
        expected[f"{name}_accuracy"] = accuracy_score(labels[held_out], predicted)
        expected[f"{name}_f1_macro"] = f1_score(labels[held_out], predicted, average="macro", zero_division=0)
    scores = classification_baselines(texts[train], labels[train], texts[held_out], labels[held_out])
    assert scores == pytest.approx(expected)
    assert scores["bag_of_words_accuracy"] > 2 * scores["majority_accuracy"]


def test_separable_rows_are_solved() -> None:
    texts, labels = ["it is fine", "it was bad", "so fine", "a bad day"] * 5, ["plus", "minus"] * 10
    scores = classification_baselines(texts, labels, ["fine then", "bad, bad", "how bad"], ["plus", "minus", "minus"])
    assert scores["bag_of_words_accuracy"] == scores["bag_of_words_f1_macro"] == 1.0


def test_the_majority_class_by_hand() -> None:
    """3 of 4 right; F1 is 6/7 for the majority and 0 for the other."""
    scores = classification_baselines(["a", "b", "c"], ["yes", "no", "yes"], list("defg"), ["yes", "yes", "no", "yes"])
    assert scores["majority_accuracy"] == 0.75
    assert scores["majority_f1_macro"] == pytest.approx((6 / 7 + 0) / 2)


def test_the_first_by_name_wins_a_tie() -> None:
    scores = classification_baselines(["a", "b"], ["zz", "aa"], ["a"], ["aa"])
    assert scores["majority_accuracy"] == 1.0


@pytest.mark.parametrize("texts", [["!", "?", ":)"], ["\N{GRINNING FACE}", "你好", "..."]])
def test_texts_without_latin_words_have_scores(texts: list[str]) -> None:
    assert classification_baselines(texts, ["a", "b", "a"], texts, ["a", "b", "a"])["bag_of_words_accuracy"] == 1.0


def test_one_class_and_unseen_labels_have_scores() -> None:
    scores = classification_baselines(["x", "y"], ["a", "a"], ["x", "y"], ["a", "new"])
    assert scores["majority_accuracy"] == scores["bag_of_words_accuracy"] == 0.5


def test_no_evaluation_rows_no_scores() -> None:
    assert classification_baselines(["x"], ["a"], [], []) == {}


def test_many_rows_are_sampled_and_it_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The same rows every time."""
    monkeypatch.setattr(module, "MAX_ROWS", 30)
    rows = make_rows(120)
    texts, labels = [row["text"] for row in rows], [row["label"] for row in rows]
    with caplog.at_level(logging.INFO):
        first = classification_baselines(texts, labels, texts, labels)
    assert "learns from 30 of 120 training rows" in caplog.text
    assert first == classification_baselines(texts, labels, texts, labels)
    assert "the bag of words learned from 30 of 120 training rows" in baseline_notes(first, num_train_rows=120)


def test_perplexity_by_hand() -> None:
    """Counts 2, 1, 0 plus one each: shares 3/6, 2/6, 1/6."""
    value = unigram_perplexity(np.array([0, 0, 1]), np.array([0, 2], dtype=np.int32), 3)
    assert value == pytest.approx(1 / math.sqrt(3 / 6 * 1 / 6))


@given(st.integers(1, 500))
def test_without_training_tokens_all_tokens_are_equal(vocab_size: int) -> None:
    ids = np.arange(vocab_size)
    assert unigram_perplexity(ids[:0], ids, vocab_size) == pytest.approx(vocab_size)
    assert math.isnan(unigram_perplexity(ids, ids[:0], vocab_size))


def test_ids_outside_the_vocabulary_are_refused() -> None:
    with pytest.raises(ValueError, match="token id 5 is not under vocab_size=5"):
        unigram_perplexity(np.array([0]), np.array([5]), 5)


def test_notes_name_the_best_baseline() -> None:
    scores = {"majority_accuracy": 0.2, "bag_of_words_accuracy": 0.614}
    assert baseline_notes(scores, num_train_rows=9) == ["a bag of words reaches 0.61 accuracy: the model must beat it"]
    scores["majority_accuracy"] = 0.7
    (note,) = baseline_notes(scores, num_train_rows=9)
    assert note == "always the largest class reaches 0.70 accuracy: the model must beat it"
    (note,) = baseline_notes({"unigram_perplexity": 1234.56}, num_train_rows=9)
    assert note == "token counts alone reach perplexity 1,234.6: the model must beat it"
