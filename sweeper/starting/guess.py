"""What rows seem to be for, from their columns."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from slimtune.sweeper.starting.score_columns import are_graded, are_usual_scores, only_scores
from slimtune.sweeper.starting.seen_columns import Holds, SeenColumn
from slimtune.sweeper.starting.text_columns import (
    are_as_long,
    are_twins,
    holds_sentences,
    longest_text,
    two_texts,
    with_texts,
)
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


# what is known of a row, though it repeats
NO_CLASSES = ("date", "time")
# share of the cells of a label that may be missing
MOST_EMPTY = 0.2
# a text of so many letters for each of another one is what that is the heading of
MOST_LETTERS_A_LETTER = 10


class Guess(NamedTuple):
    """A task and the columns that it would read; None where the task has none, or none fits.

    Attributes:
        task: An option of the config group `task`.
        text: The text's, or the prompt's.
        pair: The second text's.
        target: The label's, the spans' or the answer's.
        more_prompt: Further columns of a prompt, which a template puts together.
        alike: Of two labels of pairs, the one of pairs that are alike.
        score_range: The numbers that stand for not alike and for alike, where they are not 0 and 1.
    """

    task: str
    text: str | None = None
    pair: str | None = None
    target: str | None = None
    more_prompt: tuple[str, ...] = ()
    alike: str | None = None
    score_range: tuple[float, float] | None = None


def guess(columns: Sequence[SeenColumn], task: str | None = None) -> Guess | None:
    """What the rows seem to be for.

    Args:
        columns: Those of the first rows.
        task: What they are for, if that is known.

    Returns:
        None where no task fits them.
    """
    columns = with_texts(columns, LABELS)
    tries = (
        _chat,
        _spans,
        _several,
        _answers,
        # of a task that is named, `columns_for` knows which is the prompt
        *([_unnamed_answers] if task is None else []),
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
    columns = with_texts(columns, LABELS)
    column = next((one for one in columns if one.name == target), None)
    if column is None:
        return None
    has_two_texts = sum(one.holds is Holds.text for one in columns) > 1
    return "similarity" if has_two_texts and are_graded(column) else BY_TARGET.get(column.holds)


def alike_of(labels: Sequence[str]) -> str | None:
    """Which of two labels seems to say that texts are alike; None where neither does, or both do."""
    if "1" in labels:
        return "1" if set(labels) & set(DIFFERENT_NUMBERS) else None
    found = [one for one in labels if one.lower() in ALIKE]
    return found[0] if len(found) == 1 else None


def may_be_alike(column: SeenColumn | None) -> bool:
    """Whether the label of a pair may as well say how alike its texts are as which class it is of."""
    return column is not None and bool(column.two_labels) and not column.has_fractions


def likely_labels(columns: Sequence[SeenColumn], text: str | None, *, scores: bool = False) -> list[str]:
    """Columns that may be the label of a text, the likeliest first; with `scores` numbers that may be such as well.

    Those that are called as labels are; then those of names behind the text, the nearest first: a table has what was
    found out of a text next to it, and what else is known of the row (channel, language, date) further on. Then those
    before it, the nearest first. Columns that miss many cells come after whole ones.
    """
    named = [one.name for one in columns if one.name.lower() in LABELS and one.holds in (Holds.name, Holds.number)]
    at = next((number for number, one in enumerate(columns) if one.name == text), 0)
    near = [*columns[at:], *reversed(columns[:at])]
    several = [one for one in near if one.num_distinct > 1 and one.name != text and one.kind not in NO_CLASSES]
    names = [one for one in several if one.holds is Holds.name or (scores and are_usual_scores(one))]
    # training needs a label in each row
    least = (1 - MOST_EMPTY) * max((one.num_cells for one in columns), default=0)
    names.sort(key=lambda one: one.num_cells < least)
    return list(dict.fromkeys([*named, *(one.name for one in names)]))


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
    has_prompt = any(one.name.lower() in PROMPTS and holds_sentences(one) for one in columns)
    called = [one for one in columns if one.name.lower() in ANSWERS]
    repeated = [one.name for one in called if has_prompt and (holds_sentences(one) or may_be_short)]
    answer = next((name for name in written if name in repeated or _is_text(called, name)), None)
    if answer is None:
        return None
    prompts = [name for name in written if name.lower() in PROMPTS and name != answer]
    first = next((name for name in written if name != answer and _is_text(columns, name)), None)
    if not prompts and first is None:
        return None
    text, *more = prompts or [str(first)]
    return Guess(ANSWERS[answer.lower()], text=text, target=answer, more_prompt=tuple(more))


def _unnamed_answers(columns: Sequence[SeenColumn]) -> Guess | None:
    """Two texts without a label or a score, but for names that stand between them: the second one answers the first.

    A first one that is much shorter is the heading of the second.
    """
    two = two_texts([one for one in columns if one.holds is Holds.text and one.num_words >= SENTENCE_WORDS])
    if len(two) < 2 or two[1].num_letters > MOST_LETTERS_A_LETTER * two[0].num_letters:
        return None
    if any(one.name.lower() in (*LABELS, *SCORES, *ALIKE) for one in columns):
        return None
    names = [one.name for one in columns]
    places = [names.index(name) for name in likely_labels(columns, two[1].name)]
    is_between = all(names.index(two[0].name) < place < names.index(two[1].name) for place in places)
    # names between two of one kind are labels like others
    is_labelled = places and are_twins(two[0].name, two[1].name)
    if not is_between or is_labelled or _scores_of(columns, two) is not None:
        return None
    return Guess("generation", text=two[0].name, target=two[1].name)


def _scores_of(columns: Sequence[SeenColumn], two: Sequence[SeenColumn]) -> str | None:
    """The only scores beside two texts that are called as two of one kind are, or are about as long."""
    if are_twins(two[0].name, two[1].name):
        return only_scores(columns, ())
    usual = [one for one in columns if are_usual_scores(one)]
    return only_scores(usual, ()) if are_as_long(two[0], two[1]) else None


def _pairs(columns: Sequence[SeenColumn]) -> Guess | None:
    """Two texts with a label or a score: how alike they are, or a class of the pair."""
    two = two_texts([one for one in columns if one.holds is Holds.text])
    if len(two) < 2:
        return None
    first, second = (one.name for one in two)
    of_one_kind = are_twins(first, second)
    named = [one.name for one in columns if one.name.lower() in (*SCORES, *ALIKE) and one.holds is Holds.number]
    likely = [*named, *likely_labels(columns, second, scores=of_one_kind)]
    target = next(iter(likely), None) or _scores_of(columns, two)
    if target is None:
        return None
    label = next(one for one in columns if one.name == target)
    is_alike = target in named or are_graded(label) or _says_alike(label, of_one_kind=of_one_kind)
    task = "similarity" if is_alike else "classification"
    return Guess(task, text=first, pair=second, target=target)


def _says_alike(label: SeenColumn, *, of_one_kind: bool) -> bool:
    """Whether one of two labels is a word for texts that are alike; or 1, or true, of two texts of one kind."""
    alike = alike_of(label.two_labels)
    if alike == "1" or {one.lower() for one in label.two_labels} == {"false", "true"}:
        return of_one_kind
    return alike is not None and alike.lower() not in ANY_YES


def _alike_pairs(columns: Sequence[SeenColumn]) -> Guess | None:
    """Pairs as `_pairs` finds them, where a person says that they are alike or not; scores go before names."""
    found = _pairs(columns)
    if found is None:
        return None
    target = next(one for one in columns if one.name == found.target)
    scores = None if target.holds is Holds.number or target.two_labels else only_scores(columns, (found.target,))
    return found._replace(task="similarity", target=scores or found.target)


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


def spare_column(columns: Sequence[SeenColumn], taken: Collection[str | None]) -> str | None:
    """Of the texts, or sentences that repeat, that are not taken the longest."""
    left = [one for one in with_texts(columns, LABELS) if holds_sentences(one) and one.name not in taken]
    return max(left, key=lambda one: one.num_letters).name if left else None


def _first(columns: Sequence[SeenColumn], holds: Holds) -> str | None:
    return next((one.name for one in columns if one.holds is holds), None)


def _is_text(columns: Sequence[SeenColumn], name: str) -> bool:
    return any(one.name == name and one.holds is Holds.text for one in columns)
