"""Scores that need no language model, so that everyone sees what one must beat."""

import logging
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

log = logging.getLogger(__name__)

MAX_ROWS = 20_000
# bounds the memory of the regression: features x classes x 8 bytes, some 20 times
MAX_FEATURES = 30_000
# words, and every other sign alone: '!', '?' and emojis say much about a tone
TOKENS = r"[\w']+|[^\w\s]"
NAMES = {"bag_of_words_accuracy": "a bag of words", "majority_accuracy": "always the largest class"}


def classification_baselines(
    train_texts: Sequence[str], train_labels: Sequence[str], eval_texts: Sequence[str], eval_labels: Sequence[str]
) -> dict[str, float]:
    """Accuracy and macro F1 of the majority class and of a bag of words: logistic regression on TF-IDF of one and two
    words.

    Of more than 20,000 training rows the bag of words learns from a seeded sample, and the log says so. The majority
    class is the first by name if several are the largest. Empty without evaluation rows.
    """
    if not eval_texts:
        return {}
    sample = _sample(len(train_texts))
    if len(sample) < len(train_texts):
        log.info("baselines: the bag of words learns from %d of %d training rows", len(sample), len(train_texts))
    counts = Counter(train_labels)
    majority = min(counts, key=lambda label: (-counts[label], label))
    predictions = {
        "majority": [majority] * len(eval_texts),
        "bag_of_words": _bag_of_words(
            [train_texts[index] for index in sample], [train_labels[index] for index in sample], eval_texts
        ),
    }
    return {
        f"{name}_{metric}": score
        for name, predicted in predictions.items()
        for metric, score in _scores(eval_labels, predicted).items()
    }


def unigram_perplexity(train_ids: np.ndarray, eval_ids: np.ndarray, vocab_size: int) -> float:
    """Perplexity of a model that knows only how often each token is in training, one added to each count.

    NaN without evaluation tokens.

    Raises:
        ValueError: A token id is not under `vocab_size`.
    """
    largest = max((int(ids.max()) for ids in (train_ids, eval_ids) if len(ids)), default=0)
    if largest >= vocab_size:
        raise ValueError(f"token id {largest} is not under vocab_size={vocab_size}; give the tokenizer's own size")
    if not len(eval_ids):
        return float("nan")
    counts_V = np.bincount(train_ids, minlength=vocab_size) + 1
    log_shares_V = np.log(counts_V) - np.log(counts_V.sum())
    return float(np.exp(-log_shares_V[eval_ids].mean()))


def baseline_notes(scores: Mapping[str, float], *, num_train_rows: int) -> list[str]:
    """What baselines of one data set say, in plain words."""
    notes = []
    reached = {name: scores[key] for key, name in NAMES.items() if key in scores}
    if reached:
        best = max(reached, key=lambda name: reached[name])
        notes.append(f"{best} reaches {reached[best]:.2f} accuracy: the model must beat it")
    if "bag_of_words_accuracy" in scores and num_train_rows > MAX_ROWS:
        notes.append(f"the bag of words learned from {MAX_ROWS:,} of {num_train_rows:,} training rows")
    if "unigram_perplexity" in scores:
        notes.append(f"token counts alone reach perplexity {scores['unigram_perplexity']:,.1f}: the model must beat it")
    return notes


def _sample(num_rows: int) -> list[int]:
    if num_rows <= MAX_ROWS:
        return list(range(num_rows))
    chosen: list[int] = np.random.default_rng(0).choice(num_rows, MAX_ROWS, replace=False).tolist()
    return chosen


def _bag_of_words(texts: Sequence[str], labels: Sequence[str], eval_texts: Sequence[str]) -> list[str]:
    if len(set(labels)) == 1:
        return [labels[0]] * len(eval_texts)
    model = make_pipeline(
        TfidfVectorizer(token_pattern=TOKENS, ngram_range=(1, 2), sublinear_tf=True, max_features=MAX_FEATURES),
        LogisticRegression(C=5, max_iter=1000),
    )
    # one thread: two took 4.5 s instead of 0.25 s for 850 rows on a busy machine of two cores (2026-11-22)
    with threadpool_limits(1), warnings.catch_warnings():
        # a baseline stopped after 1000 steps is as good a bar
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(texts, labels)
    predicted: list[str] = model.predict(eval_texts).tolist()
    return predicted


def _scores(labels: Sequence[str], predicted: Sequence[str]) -> dict[str, float]:
    return {
        "accuracy": float(accuracy_score(labels, predicted)),
        "f1_macro": float(f1_score(labels, predicted, average="macro", zero_division=0)),
    }
