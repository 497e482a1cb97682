"""What rows seem to be for, from their columns."""

from collections.abc import Collection, Sequence
from itertools import combinations, takewhile
from typing import NamedTuple

from slimtune.sweeper.starting.seen_columns import Holds, SeenColumn
from slimtune.training.data.cells import SENTENCE_WORDS

# as data sets call them, in lower case
PROMPTS = ("instruction", "prompt", "input", "question", "query", "source", "article", "document", "context")
ANSWERS = {
    "summary": "summarization",
    "highlights": "summarization",
    "translation": "translation",
    **dict.fromkeys(
        ("output", "answer", "response", "completion", "target", "reply", "assistant", "solution"), "generation"
    ),
}
# tasks that read the same columns
KIN = ("generation", "summarization", "translation")
SCORES = ("score", "similarity", "similarity_score", "is_duplicate", "relatedness", "relatedness_score")
LABELS = ("label", "labels", "class", "category", "intent", "sentiment", "tone", "target", "y")
# labels of pairs that are alike, in lower case; of numbers 1 beside one of the others
ALIKE = (
    "duplicate",
    "same",
    "similar",
    "alike",
    "equal",
    "equivalent",
    "paraphrase",
    "match",
    "related",
    "yes",
    "true",
)
DIFFERENT_NUMBERS = ("0", "-1")
# words that say of any statement that it holds, not only that two texts are alike
ANY_YES = ("yes", "true")
# what names of two texts of one kind differ in, beside a number: question1 and question2, text and text_pair
MARKS = ("", "a", "b", "x", "y", "l", "r", "pair", "other", "first", "second", "one", "two", "left", "right")
TASKS = (
    "classification",
    "multi_label",
    "extraction",
    "similarity",
    "generation",
    "summarization",
    "translation",
    "language_modelling",
)


# numbers are classes, scores or answers
BY_TARGET = {
    Holds.name: "classification",
    Holds.labels: "multi_label",
    Holds.spans: "extraction",
    Holds.tags: "extraction",
    # mostly different and longer than names
    Holds.text: "generation",
}


class Guess(NamedTuple):
    """A task and the columns that it would read; None where the task has none, or none fits.

    Attributes:
        task: An option of the config group `task`.
        text: The text's, or the prompt's.
        pair: The second text's.
        target: The label's, the spans' or the answer's.
        more_prompt: Further columns of a prompt, which a template puts together.
        alike: Of two labels of pairs, the one of pairs that are alike.
    """

    task: str
    text: str | None = None
    pair: str | None = None
    target: str | None = None
    more_prompt: tuple[str, ...] = ()
    alike: str | None = None


def guess(columns: Sequence[SeenColumn], task: str | None = None) -> Guess | None:
    """What the rows seem to be for.

    Args:
        columns: Those of the first rows.
        task: What they are for, if that is known.

    Returns:
        None where no task fits them.
    """
    columns = with_texts(columns)
    tries = (
        _chat,
        _spans,
        _several,
        _answers,
        _pairs,
        _alike_pairs,
        _classified_pairs,
        _classes,
        _short_answers,
        _plain,
    )
    found = (one for each in tries if (one := each(columns)) is not None)
    if task is None:
        return next(found, None)
    return next((one._replace(task=task) for one in found if one.task == task or {one.task, task} <= {*KIN}), None)


def guess_by_target(columns: Sequence[SeenColumn], target: str) -> str | None:
    """What rows are for whose label, spans or answer a person has named; None where its cells do not say.

    Args:
        columns: Those of the first rows.
        target: The column.
    """
    holds = next((one.holds for one in with_texts(columns) if one.name == target), None)
    return None if holds is None else BY_TARGET.get(holds)


def with_texts(columns: Sequence[SeenColumn]) -> Sequence[SeenColumn]:
    """Codes are texts where nothing else is: formulas, words with numbers; else sentences that repeat."""
    if any(one.holds is Holds.text for one in columns):
        return columns
    texts = {one.name for one in columns if one.holds is Holds.code} or _repeated_sentences(columns)
    return [one._replace(holds=Holds.text) if one.name in texts else one for one in columns]


def _repeated_sentences(columns: Sequence[SeenColumn]) -> set[str]:
    """The column with most of them, with the one that is called as its twin is: others may be labels."""
    sentences = [one for one in columns if one.holds is Holds.name and one.num_words >= SENTENCE_WORDS]
    most = max(sentences, key=lambda one: one.num_distinct, default=None)
    return {one.name for one in sentences if most is not None and are_twins(one.name, most.name)}


def alike_of(labels: Sequence[str]) -> str | None:
    """Which of two labels seems to say that texts are alike; None where neither does, or both do."""
    if "1" in labels:
        return "1" if set(labels) & set(DIFFERENT_NUMBERS) else None
    found = [one for one in labels if one.lower() in ALIKE]
    return found[0] if len(found) == 1 else None


def may_be_alike(column: SeenColumn | None) -> bool:
    """Whether the label of a pair may as well say how alike its texts are as which class it is of."""
    return column is not None and bool(column.two_labels) and not column.has_fractions


def likely_labels(columns: Sequence[SeenColumn], text: str | None, *, shares: bool = False) -> list[str]:
    """Columns that may be the label of a text, the likeliest first; with `shares` numbers between 0 and 1 as well.

    Those that are called as labels are; then those of names behind the text, the nearest first: a table has what was
    found out of a text next to it, and what else is known of the row (channel, language, date) further on. Then those
    before it, the nearest first.
    """
    named = [one.name for one in columns if one.name.lower() in LABELS and one.holds in (Holds.name, Holds.number)]
    at = next((number for number, one in enumerate(columns) if one.name == text), 0)
    near = [*columns[at:], *reversed(columns[:at])]
    several = [one for one in near if one.num_distinct > 1 and one.name != text]
    names = [one.name for one in several if one.holds is Holds.name or (shares and one.is_share)]
    return list(dict.fromkeys([*named, *names]))


def _chat(columns: Sequence[SeenColumn]) -> Guess | None:
    return Guess("generation") if any(one.holds is Holds.chat and one.name == "messages" for one in columns) else None


def _spans(columns: Sequence[SeenColumn]) -> Guess | None:
    spans, tags = _first(columns, Holds.spans), _first(columns, Holds.tags)
    if spans is not None and (text := _first(columns, Holds.text)) is not None:
        return Guess("extraction", text=text, target=spans)
    words = _first(columns, Holds.words) or _first(columns, Holds.labels)
    return None if tags is None or words is None else Guess("extraction", text=words, target=tags)


def _several(columns: Sequence[SeenColumn]) -> Guess | None:
    labels, text = _first(columns, Holds.labels), longest_text(columns)
    return None if labels is None or text is None else Guess("multi_label", text=text, target=labels)


def _answers(columns: Sequence[SeenColumn]) -> Guess | None:
    """A text that is called as an answer is, and one or more that are called as prompts are, or stand before it."""
    return _called_answers(columns, may_be_short=False)


def _short_answers(columns: Sequence[SeenColumn]) -> Guess | None:
    """Likewise, of few words or numbers."""
    return _called_answers(columns, may_be_short=True)


def _called_answers(columns: Sequence[SeenColumn], *, may_be_short: bool) -> Guess | None:
    """Likewise; what repeats is an answer beside a prompt alone, and where it has few words if it may be short."""
    short = (Holds.number, Holds.code) if may_be_short else ()
    written = [
        one.name
        for one in columns
        if one.holds in (Holds.text, Holds.name) or (one.holds in short and one.name.lower() in ANSWERS)
    ]
    has_prompt = any(one.name.lower() in PROMPTS and _is_written(one) for one in columns)
    called = [one for one in columns if one.name.lower() in ANSWERS]
    repeated = [one.name for one in called if has_prompt and (_is_written(one) or may_be_short)]
    answer = next((name for name in written if name in repeated or _is_text(called, name)), None)
    if answer is None:
        return None
    prompts = [name for name in written if name.lower() in PROMPTS and name != answer]
    first = next((name for name in written if name != answer and _is_text(columns, name)), None)
    if not prompts and first is None:
        return None
    text, *more = prompts or [str(first)]
    return Guess(ANSWERS[answer.lower()], text=text, target=answer, more_prompt=tuple(more))


def _pairs(columns: Sequence[SeenColumn]) -> Guess | None:
    """Two texts with a label or a score: how alike they are, or a class of the pair."""
    texts = two_texts([one for one in columns if one.holds is Holds.text])
    if len(texts) < 2:
        return None
    scores = [one.name for one in columns if one.name.lower() in (*SCORES, *ALIKE) and one.holds is Holds.number]
    of_one_kind = are_twins(texts[0], texts[1])
    target = next(iter([*scores, *likely_labels(columns, texts[1], shares=of_one_kind)]), None)
    if target is None:
        return None
    label = next(one for one in columns if one.name == target)
    is_alike = target in scores or label.has_fractions or _says_alike(label, of_one_kind=of_one_kind)
    task = "similarity" if is_alike else "classification"
    return Guess(task, text=texts[0], pair=texts[1], target=target)


def two_texts(columns: Sequence[SeenColumn]) -> list[str]:
    """Of several texts those that are called as two of one kind are, else the two longest, as they stand."""
    twins = next((two for two in combinations(columns, 2) if are_twins(two[0].name, two[1].name)), None)
    two = twins or sorted(columns, key=lambda one: -one.num_letters)[:2]
    return [one.name for one in columns if one in two]


def are_twins(name: str, other: str) -> bool:
    """Whether columns are called as two texts of one kind are, and not as a title and a body."""
    start = _num_same(name, other)
    end = _num_same(name[start:][::-1], other[start:][::-1])
    marks = [one[start : len(one) - end].lower().strip("_-. ") for one in (name, other)]
    return all(mark in MARKS or mark.isdecimal() for mark in marks)


def _num_same(name: str, other: str) -> int:
    """Of the first letters."""
    return len(list(takewhile(lambda two: two[0] == two[1], zip(name, other, strict=False))))


def _says_alike(label: SeenColumn, *, of_one_kind: bool) -> bool:
    """Whether one of two labels is a word for texts that are alike; or 1, or true, of two texts of one kind."""
    alike = alike_of(label.two_labels)
    if alike == "1" or {one.lower() for one in label.two_labels} == {"false", "true"}:
        return of_one_kind
    return alike is not None and alike.lower() not in ANY_YES


def _alike_pairs(columns: Sequence[SeenColumn]) -> Guess | None:
    """Pairs as `_pairs` finds them, where a person says that they are alike or not."""
    found = _pairs(columns)
    return None if found is None else found._replace(task="similarity")


def _classified_pairs(columns: Sequence[SeenColumn]) -> Guess | None:
    """Likewise, where a person says that their label is a class; a score with fractions is none."""
    found = _pairs(columns)
    if found is None:
        return None
    fractions = {one.name for one in columns if one.has_fractions}
    labels = [found.target, *likely_labels(columns, found.pair)]
    label = next((name for name in labels if name not in fractions), None)
    return None if label is None else found._replace(task="classification", target=label)


def _classes(columns: Sequence[SeenColumn]) -> Guess | None:
    text = longest_text(columns)
    label = None if text is None else next(iter(likely_labels(columns, text)), None)
    return None if label is None else Guess("classification", text=text, target=label)


def _plain(columns: Sequence[SeenColumn]) -> Guess | None:
    text = longest_text(columns)
    return None if text is None else Guess("language_modelling", text=text)


def longest_text(columns: Sequence[SeenColumn]) -> str | None:
    texts = [one for one in columns if one.holds is Holds.text]
    return max(texts, key=lambda one: one.num_letters).name if texts else None


def _is_written(column: SeenColumn) -> bool:
    """Whether its cells are texts, or sentences that repeat."""
    return column.holds is Holds.text or (column.holds is Holds.name and column.num_words >= SENTENCE_WORDS)


def spare_column(columns: Sequence[SeenColumn], taken: Collection[str | None]) -> str | None:
    """Of the texts, or sentences that repeat, that are not taken the longest."""
    left = [one for one in with_texts(columns) if _is_written(one) and one.name not in taken]
    return max(left, key=lambda one: one.num_letters).name if left else None


def _first(columns: Sequence[SeenColumn], holds: Holds) -> str | None:
    return next((one.name for one in columns if one.holds is holds), None)


def _is_text(columns: Sequence[SeenColumn], name: str) -> bool:
    return any(one.name == name and one.holds is Holds.text for one in columns)
