"""What needs no language model, so that everyone sees what one must beat."""

# N training rows, M evaluation rows, V vocabulary

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from slimtune.training.config.score_range import FEW_ROWS, MORE_ROWS, is_best, rows_of_room, who_beats
from slimtune.training.data.spans import Span
from slimtune.training.data.tokenizing.words import WORD, word_ranges
from slimtune.training.listed_names import counted
from slimtune.training.metrics.cosines import comparable
from slimtune.training.tracking.display import (
    BAG_OF_WORDS,
    LOOKUP,
    MAJORITY,
    MEAN,
    NEAREST,
    NO_MODEL,
    short_name,
    told_baseline,
    warned,
)

MAX_ROWS = 20_000
# scores of text take a millisecond a row
MAX_ANSWERS = 2_000
# rows that a bag of words is scored on: the error of an accuracy of 0.8 is 0.003
MAX_SCORED = 20_000
MAX_LABELS = 200
# rows x classes up to which the regression takes a few seconds at most; of 20,000 rows with 52 classes it took 98 s for
# an accuracy of 0.791, stochastic descent 3.5 s for 0.857 (2026-11-27)
MAX_REGRESSION = 100_000
# bounds the memory of the regression: features x classes x 8 bytes, some 20 times
MAX_FEATURES = 30_000
# words, and every other sign alone: '!', '?' and emojis say much about a tone
TOKENS = r"[\w']+|[^\w\s]"
# those that give every row the same answer
CONSTANT = (MAJORITY, MEAN)
BEAT_IT = "the model must beat it"
# those that learn from some rows where there are many, and those that answer for some
SAMPLED, CUT = (BAG_OF_WORDS, NEAREST), (NEAREST, LOOKUP)


def majority(labels: Sequence[str]) -> str:
    """The most frequent label, the first by name if several are."""
    counts = Counter(labels)
    return min(counts, key=lambda label: (-counts[label], label))


def bag_of_words(texts: Sequence[str], labels: Sequence[str], others: Sequence[str]) -> list[str]:
    """A label for each of `others`: a linear classifier on TF-IDF of one and two words.

    It is logistic regression, and of many rows and classes stochastic descent on the modified Huber loss. Of more than
    20,000 rows it learns from a seeded sample.
    """
    rows = _sample(len(texts))
    chosen = [labels[row] for row in rows]
    if len(set(chosen)) == 1:
        return chosen[:1] * len(others)
    # by number: numpy's texts lose a NUL at their end
    names = sorted(set(chosen))
    # of two classes there is one set of weights
    model = make_pipeline(_vectorizer(), _classifier(len(rows) * (len(names) - 1)))
    ids = {name: number for number, name in enumerate(names)}
    with _quiet_single_thread():
        model.fit([texts[row] for row in rows], [ids[label] for label in chosen])
    return [names[number] for number in model.predict(others)]


def bag_of_words_sets(
    texts: Sequence[str], labels: Sequence[Sequence[str]], others: Sequence[str]
) -> list[tuple[str, ...]]:
    """Labels for each of `others`: such a classifier for each of the 200 most frequent labels, by itself."""
    rows = _sample(len(texts))
    chosen = [frozenset(labels[row]) for row in rows]
    vectorizer = _vectorizer()
    known_NF, asked_MF = vectorizer.fit_transform([texts[row] for row in rows]), vectorizer.transform(others)
    found: list[list[str]] = [[] for _ in others]
    frequent = Counter(label for row in chosen for label in sorted(row)).most_common(MAX_LABELS)
    for label, count in frequent:
        has_N = [label in row for row in chosen]
        answers_M = np.ones(len(others), dtype=bool)
        if count < len(chosen):
            with _quiet_single_thread():
                answers_M = _classifier(len(rows) * len(frequent)).fit(known_NF, has_N).predict(asked_MF)
        for at in np.flatnonzero(answers_M):
            found[at].append(label)
    return [tuple(sorted(one)) for one in found]


def nearest_answers(texts: Sequence[str], others: Sequence[str]) -> list[int]:
    """For each of `others` the row of `texts` with the largest cosine of TF-IDF, the first of equals.

    Of more than 20,000 rows it knows a seeded sample.
    """
    rows = _sample(len(texts))
    vectorizer = _vectorizer()
    known_NF = vectorizer.fit_transform([texts[row] for row in rows])
    found: list[int] = []
    for start in range(0, len(others), 256):
        shares = vectorizer.transform(others[start : start + 256]) @ known_NF.T
        found += np.asarray(shares.toarray().argmax(axis=1)).tolist()
    return [rows[at] for at in found]


def word_overlap(texts: Sequence[str], firsts: Sequence[str], seconds: Sequence[str]) -> list[float]:
    """The cosine of TF-IDF of each pair, the weights of words learned from `texts`."""
    vectorizer = _vectorizer().fit(texts)
    first, second = (vectorizer.transform(side) for side in (firsts, seconds))
    return comparable(np.asarray(first.multiply(second).sum(axis=1)).ravel().tolist())


def lookup(texts: Sequence[str], spans: Sequence[Sequence[Span]], others: Sequence[str]) -> list[tuple[Span, ...]]:
    """Every span of `texts` found again as it was written, with its most frequent type, the longest first.

    Only whole words are found.
    """
    votes: dict[str, list[str]] = {}
    for text, own in zip(texts, spans, strict=True):
        for span in own:
            votes.setdefault(text[span.start : span.end], []).append(span.label)
    types = {value: majority(labels) for value, labels in votes.items()}
    lengths: dict[str, set[int]] = {}
    for value in types:
        words = WORD.findall(value)
        lengths.setdefault(words[0] if words else "", set()).add(len(words))
    longest_first = {word: sorted(found, reverse=True) for word, found in lengths.items()}
    return [tuple(_found(text, types, longest_first)) for text in others]


def _found(text: str, types: Mapping[str, str], lengths: Mapping[str, Sequence[int]]) -> Iterator[Span]:
    words = word_ranges(text)
    at = 0
    while at < len(words):
        start, end = words[at]
        tried = (at + length for length in lengths.get(text[start:end], ()) if at + length <= len(words))
        stop = next((stop for stop in tried if text[start : words[stop - 1][1]] in types), None)
        if stop is not None:
            end = words[stop - 1][1]
            yield Span(start, end, types[text[start:end]])
        at = at + 1 if stop is None else stop


def unigram_nats(train_ids: np.ndarray, eval_ids: np.ndarray, vocab_size: int) -> float:
    """Negative log likelihood of all evaluation tokens by a model that knows only how often each token is in training,
    one added to each count.

    Raises:
        ValueError: A token id is not under `vocab_size`.
    """
    largest = max((int(ids.max()) for ids in (train_ids, eval_ids) if len(ids)), default=0)
    if largest >= vocab_size:
        raise ValueError(f"token id {largest} is not under vocab_size={vocab_size}; give the tokenizer's own size")
    counts_V = np.bincount(train_ids, minlength=vocab_size) + 1
    log_shares_V = np.log(counts_V) - np.log(counts_V.sum())
    return float(-log_shares_V[eval_ids].sum())


class Aim(NamedTuple):
    """What the search goes by.

    Attributes:
        metric: The score.
        maximize: Whether more of it is better.
        best: Its best possible value on the validation rows; None if there is none, or it is not known.
    """

    metric: str
    maximize: bool
    best: float | None = None


def baseline_notes(
    scores: Mapping[str, Mapping[str, float]],
    *,
    aim: Aim,
    headlines: Sequence[str],
    num_rows: tuple[int, int],
) -> list[str]:
    """What baselines of one data set say, in plain words: the best by the metric, and those that do not give it.

    Args:
        scores: Of each, by metric.
        aim: What the search goes by.
        headlines: What is told of those that do not give it.
        num_rows: Those of training and of validation.
    """
    metric, better = aim.metric, max if aim.maximize else min
    reached = {name: own[metric] for name, own in scores.items() if metric in own}
    named = {better(reached, key=lambda name: reached[name]): metric} if reached else {}
    for name in scores:
        shown = next((key for key in headlines if key in scores[name]), None)
        if name not in reached and shown:
            named[name] = shown
    num_train, num_held_out = num_rows
    notes = []
    for name, key in named.items():
        score, num_scored = scores[name][key], min(num_held_out, MAX_ANSWERS if name in CUT else MAX_SCORED)
        asked = _asked(aim, score, num_scored) if key == metric else BEAT_IT
        notes.append(_told(f"{told_baseline(name)}: {key} {_number(score)}", asked))
    sampled, cut = (", ".join(short_name(name) for name in names if name in scores) for names in (SAMPLED, CUT))
    if num_train > MAX_ROWS and sampled:
        notes.append(f"{sampled}: learned from {MAX_ROWS:,} of {num_train:,} training rows")
    if num_held_out > MAX_ANSWERS and cut:
        notes.append(f"{cut}: scored on {MAX_ANSWERS:,} of {num_held_out:,} validation rows")
    if num_held_out > MAX_SCORED and BAG_OF_WORDS in scores:
        notes.append(f"simple models: scored on {MAX_SCORED:,} of {num_held_out:,} validation rows")
    return notes


def _asked(aim: Aim, score: float, num_rows: int) -> str:
    """What a baseline asks of the model; `NO_MODEL` where none can have a better score than it."""
    if aim.best is not None and is_best(score, aim.best, maximize=aim.maximize):
        return NO_MODEL
    room = rows_of_room(aim.metric, score, num_rows)
    if room is None or not 0 < room <= FEW_ROWS:
        return BEAT_IT
    return f"{num_rows - room:,} of {counted(num_rows, 'row')}: only {who_beats(room)} beats it; {MORE_ROWS}"


def _told(baseline: str, asked: str) -> str:
    told = f"{baseline}; {asked}"
    return told if asked == BEAT_IT else warned(told)


def _number(value: float) -> str:
    return f"{value:z.3f}" if abs(value) < 10 else f"{value:z,.1f}"


@contextmanager
def _quiet_single_thread() -> Iterator[None]:
    # one thread: two took 4.5 s instead of 0.25 s for 850 rows on a busy machine of two cores (2026-11-22)
    with threadpool_limits(1), warnings.catch_warnings():
        # a baseline stopped after 1000 steps is as good a bar
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def _classifier(size: int) -> LogisticRegression | SGDClassifier:
    """By rows x classes, all that are to be learned."""
    if size <= MAX_REGRESSION:
        return LogisticRegression(C=5, max_iter=1000)
    return SGDClassifier(loss="modified_huber", random_state=0)


def _vectorizer() -> TfidfVectorizer:
    return TfidfVectorizer(token_pattern=TOKENS, ngram_range=(1, 2), sublinear_tf=True, max_features=MAX_FEATURES)


def scored_rows(num_rows: int) -> list[int]:
    """Held-out rows that simple classifiers answer for: all, or of very many a seeded sample."""
    return _some(num_rows, MAX_SCORED)


def _sample(num_rows: int) -> list[int]:
    return _some(num_rows, MAX_ROWS)


def _some(num_rows: int, most: int) -> list[int]:
    if num_rows <= most:
        return list(range(num_rows))
    chosen: list[int] = np.random.default_rng(0).choice(num_rows, most, replace=False).tolist()
    return sorted(chosen)
