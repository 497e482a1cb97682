import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from slimtune.training.data.spans import Span
from slimtune.training.tasks import baselines as module
from slimtune.training.tasks.baselines import (
    Aim,
    bag_of_words,
    bag_of_words_sets,
    baseline_notes,
    lookup,
    majority,
    nearest_answers,
    unigram_nats,
    word_overlap,
)
from slimtune.training.tracking.display import told_baseline
from tests.conftest import make_rows

TONE = Path(module.__file__).parents[1] / "data" / "corpora" / "tone.jsonl"


def tone() -> tuple[list[str], list[str]]:
    rows = [json.loads(line) for line in TONE.read_text(encoding="utf-8").splitlines()]
    return [row["text"] for row in rows], [row["label"] for row in rows]


def notes(
    scores: dict[str, dict[str, float]],
    *,
    metric: str = "accuracy",
    num_rows: tuple[int, int] = (9, 9),
    best: float | None = None,
) -> list[str]:
    aim = Aim(metric, metric != "loss", best)
    return baseline_notes(scores, aim=aim, headlines=("accuracy", "chrf"), num_rows=num_rows)


def test_a_bag_of_words_is_scikit_learns() -> None:
    texts, labels = tone()
    model = make_pipeline(
        TfidfVectorizer(token_pattern=module.TOKENS, ngram_range=(1, 2), sublinear_tf=True),
        LogisticRegression(C=5, max_iter=1000),
    )
    with threadpool_limits(1):
        expected = model.fit(texts[:400], labels[:400]).predict(texts[400:500]).tolist()
    found = bag_of_words(texts[:400], labels[:400], texts[400:500])
    assert found == expected
    assert np.mean(np.array(found) == labels[400:500]) > 2 * np.mean(
        np.array(labels[400:500]) == majority(labels[:400])
    )


def test_many_rows_and_classes_have_another_classifier(monkeypatch: pytest.MonkeyPatch) -> None:
    """It gives the same answers every time; of few rows, where it is the weaker one, it learns nothing."""
    texts, labels = tone()
    monkeypatch.setattr(module, "MAX_REGRESSION", 0)
    found = bag_of_words(texts[:400], labels[:400], texts[400:500])
    assert found == bag_of_words(texts[:400], labels[:400], texts[400:500])
    assert np.mean(np.array(found) == labels[400:500]) > 2 * labels[400:500].count(majority(labels)) / 100


def test_separable_rows_are_solved() -> None:
    texts, labels = ["it is fine", "it was bad", "so fine", "a bad day"] * 5, ["plus", "minus"] * 10
    assert bag_of_words(texts, labels, ["fine then", "bad, bad", "how bad"]) == ["plus", "minus", "minus"]


def test_several_labels_are_found_by_their_words() -> None:
    texts = ["rain and wind", "rain", "wind", "sun"] * 5
    labels = [("rain", "wind"), ("rain",), ("wind",), ()] * 5
    assert bag_of_words_sets(texts, labels, ["wind", "rain with wind", "sun"]) == [("wind",), ("rain", "wind"), ()]


@pytest.mark.parametrize(
    ("labels", "expected"), [([("a",), ("a",)], ("a",)), ([(), ()], ()), ([("a", "b"), ("a",)], ("a",))]
)
def test_labels_of_every_row_or_of_none_are_answered(labels: list[tuple[str, ...]], expected: tuple[str, ...]) -> None:
    assert bag_of_words_sets(["wind", "rain"], labels, ["rain", "rain"]) == [expected] * 2


def test_the_first_by_name_wins_a_tie() -> None:
    assert majority(["zz", "aa"]) == "aa"
    assert majority(["zz", "aa", "zz"]) == "zz"


@pytest.mark.parametrize("texts", [["!", "?", ":)"], ["\N{GRINNING FACE}", "你好", "..."]])
def test_texts_without_latin_words_have_answers(texts: list[str]) -> None:
    assert bag_of_words(texts, ["a", "b", "a"], texts) == ["a", "b", "a"]
    assert nearest_answers(texts, texts) == [0, 1, 2]


def test_one_class_is_answered() -> None:
    assert bag_of_words(["x", "y"], ["a", "a"], ["x", "z"]) == ["a", "a"]


def test_the_nearest_row_has_the_largest_cosine() -> None:
    texts, _ = tone()
    known, others = texts[:300], texts[300:700]
    vectorizer = TfidfVectorizer(token_pattern=module.TOKENS, ngram_range=(1, 2), sublinear_tf=True)
    cosines = cosine_similarity(vectorizer.fit_transform(known), vectorizer.transform(others))
    found = nearest_answers(known, others)
    assert len(found) == len(others)
    assert cosines[found, range(len(others))] == pytest.approx(cosines.max(axis=0))


def test_word_overlap_is_a_cosine() -> None:
    texts = ["the red house", "the blue house", "a dog ran"]
    same, part, none = word_overlap(texts, texts[:1] * 3, ["the red house", "the blue house", "a dog"])
    assert same == pytest.approx(1)
    assert none == 0 < part < 1
    # ties are ties: rounding does not say which of them is more alike
    assert set(word_overlap(texts, texts, texts)) == {1.0}


def test_spans_are_looked_up() -> None:
    """The longest first, whole words only, with the type that they have most often."""
    texts = ["Oslo is cold", "New Oslo", "Oslo won", "Oslo lost"]
    spans = [[Span(0, 4, "place")], [Span(0, 8, "place")], [Span(0, 4, "team")], [Span(0, 4, "team")]]
    found = lookup(texts, spans, ["in New Oslo", "Oslo and Oslonians", "nothing"])
    assert found == [(Span(3, 11, "place"),), (Span(0, 4, "team"),), ()]
    assert lookup(texts, [[]] * 4, ["Oslo"]) == [()]


@pytest.mark.parametrize("signs", ["(+47) 1?", "a|b", "[x]"])
def test_signs_in_spans_are_taken_as_they_are(signs: str) -> None:
    assert lookup([f"call {signs}"], [[Span(5, 5 + len(signs), "x")]], [f"so {signs} it is"]) == [
        (Span(3, 3 + len(signs), "x"),)
    ]


def test_many_rows_are_sampled_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rows every time."""
    monkeypatch.setattr(module, "MAX_ROWS", 30)
    rows = make_rows(120)
    texts, labels = [row["text"] for row in rows], [row["label"] for row in rows]
    seen: list[Sequence[int]] = []
    sample = module._sample
    monkeypatch.setattr(module, "_sample", lambda num_rows: seen.append(sample(num_rows)) or seen[-1])
    assert bag_of_words(texts, labels, texts) == bag_of_words(texts, labels, texts)
    assert seen[0] == seen[1]
    assert len(seen[0]) == len(set(seen[0])) == 30
    assert set(nearest_answers(texts, texts)) <= set(seen[2])
    scores = {"majority": {"accuracy": 0.1}, "bag_of_words": {"accuracy": 0.5}, "nearest": {"chrf": 9.0}}
    assert notes(scores, num_rows=(120, 3000))[2:] == [
        "bag of words, nearest: learned from 30 of 120 training rows",
        "nearest: scored on 2,000 of 3,000 validation rows",
    ]


def test_token_counts_by_hand() -> None:
    """Counts 2, 1, 0 plus one each: shares 3/6, 2/6, 1/6."""
    value = unigram_nats(np.array([0, 0, 1]), np.array([0, 2], dtype=np.int32), 3)
    assert value == pytest.approx(-math.log(3 / 6 * 1 / 6))


@given(st.integers(1, 500))
def test_without_training_tokens_all_tokens_are_equal(vocab_size: int) -> None:
    ids = np.arange(vocab_size)
    assert unigram_nats(ids[:0], ids, vocab_size) == pytest.approx(vocab_size * math.log(vocab_size))
    assert unigram_nats(ids, ids[:0], vocab_size) == 0


def test_ids_outside_the_vocabulary_are_refused() -> None:
    with pytest.raises(ValueError, match="token id 5 is not under vocab_size=5"):
        unigram_nats(np.array([0]), np.array([5]), 5)


def test_notes_name_the_best_by_the_metric() -> None:
    scores = {"majority": {"accuracy": 0.2}, "bag_of_words": {"accuracy": 0.614}}
    assert notes(scores) == ["bag of words: accuracy 0.614; the model must beat it"]
    scores["majority"]["accuracy"] = 0.7
    assert notes(scores) == ["majority (always the largest class): accuracy 0.700; the model must beat it"]
    less = {"majority": {"loss": 3.0}, "bag_of_words": {"loss": 2.0}}
    assert notes(less, metric="loss") == ["bag of words: loss 2.000; the model must beat it"]


def test_notes_name_what_does_not_give_the_metric_by_its_headline() -> None:
    scores = {"unigram": {"loss": 5.0}, "nearest": {"bleu": 1.0, "chrf": 41.26}}
    assert notes(scores, metric="loss") == [
        "unigram (token counts alone): loss 5.000; the model must beat it",
        "nearest (the answer of the most alike training row): chrf 41.3; the model must beat it",
    ]


@pytest.mark.parametrize(("metric", "value", "best"), [("accuracy", 1.0, 1.0), ("loss", 0.0, 0.0)])
def test_of_a_baseline_that_nothing_is_better_than_it_is_said_what_comes_of_it(
    metric: str, value: float, best: float
) -> None:
    said = "no model can beat this: none becomes champion unless promotion.beats_baseline=false"
    (note,) = notes({"bag_of_words": {metric: value}}, metric=metric, best=best)
    assert note == f"warning: bag of words: {metric} {value:.3f}; {said}"
    # of answers that are tied it may be better than any model
    beyond = value + (0.01 if metric == "accuracy" else -0.01)
    assert notes({"bag_of_words": {metric: beyond}}, metric=metric, best=best)[0].endswith(said)
    (note,) = notes({"bag_of_words": {metric: value}}, metric=metric)
    assert note.endswith("the model must beat it")
    # the best possible value is that of the metric, and the others may be told too
    assert notes({"nearest": {"accuracy": 1.0}}, metric="loss", best=1.0)[0].endswith("the model must beat it")


@pytest.mark.parametrize(
    ("right", "num_rows", "asked"),
    [
        (24, 25, "24 of 25 rows: only a model without a mistake beats it; train with"),
        (23, 25, "23 of 25 rows: only a model with at most one mistake beats it; train with"),
        (22, 25, "the model must beat it"),
    ],
)
def test_a_baseline_that_leaves_few_rows_of_room_is_told_with_them(right: int, num_rows: int, asked: str) -> None:
    """As a warning, of what is a share of rows: an F1 is none, and what nothing is compared by asks for nothing."""
    share = right / num_rows
    shares = {"accuracy": "bag_of_words", "exact_match": "nearest", "subset_accuracy": "bag_of_words"}
    for metric, name in {**shares, "best_threshold_accuracy": "word_overlap"}.items():
        (note,) = notes({name: {metric: share}}, metric=metric, num_rows=(99, num_rows))
        told = f"{told_baseline(name)}: {metric} {share:.3f}; {asked}"
        is_warning = right > 22
        assert note.startswith(f"warning: {told}" if is_warning else told)
        more = " more rows, or with more of them in validation (data.validation_share, data.validation_file)"
        assert note.endswith(f"; train with{more}" if is_warning else asked)
    for metric, key in (("f1", "f1"), ("loss", "accuracy")):
        (note,) = notes({"bag_of_words": {key: share}}, metric=metric, num_rows=(99, num_rows))
        assert note.endswith("the model must beat it")


def test_no_scores_no_notes() -> None:
    assert notes({}) == []
    assert notes({"nearest": {}}) == []
