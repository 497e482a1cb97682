"""What was made of the labels: spellings that are one class, classes that differ in case alone, rows without any."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from slimtune.training.alike_names import as_seen, meanings_of, without_unseen
from slimtune.training.config.task import TaskConfig
from slimtune.training.data.cells import ABSENT, cell_of, listed
from slimtune.training.data.examples import Example
from slimtune.training.data.labelled_rows import shortened
from slimtune.training.listed_names import counted, with_commas
from slimtune.training.tasks.similarity import score_range_of

SHOWN = 4
# what programs write where there is nothing; here each is a word like others
# what `datasets` numbers a missing label by, beside classes from 0 up
NO_CLASS = "-1"
NOTHING = frozenset(
    (
        *("nan", "-nan", "null", "none", "n/a", "<na>", "nat", "undefined", "nil"),
        *("(null)", "<null>", "[null]", "(none)", "<none>"),
        # a dump's, whose N no database writes small
        "\\n",
        # a spreadsheet's, #N/V in German
        *("#n/a", "#n/v", "#nv", "#value!", "#ref!", "#name?", "#null!", "#num!", "#div/0!"),
    )
)
# what two labels may differ in that a person does not see
UNICODE_FORM, UNSEEN_SIGNS = "Unicode normal form (é as one sign or as two)", "signs that are not seen"
COMPATIBILITY = "Unicode forms of letters (ﬁ and fi, Ａ and A)"
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
# signs that part labels elsewhere
OTHER_COMMAS = (";", "|")


def spelling_notes(examples: Sequence[Example], column: str) -> list[str]:
    """Labels that are not as they were written."""
    ways: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    texts: set[str] = set()
    for example in examples:
        value = cell_of(example.row, column)
        if value is not ABSENT and listed(value) is None and not example.labels:
            written = str(value).strip()
            ways[example.label][written] += 1
            # a decimal number's 1.50 would be a name of its own in CSV
            if isinstance(value, str | Decimal):
                texts.add(written)
    shown = list(_rewritten(ways, texts))
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return [f"labels that are read as another spelling: {', '.join(shown[:SHOWN])}{more}"] if shown else []


def _rewritten(ways: Mapping[str, Mapping[str, int]], texts: set[str]) -> Iterator[str]:
    """Spellings of a class beside its name: where there are several, or a text is another one."""
    for label, counts in ways.items():
        for written, count in counts.items():
            if written != label and (len(counts) > 1 or written in texts):
                yield f"{shortened(written)} as '{shortened(label)}' ({counted(count, 'row')})"


def range_notes(task: TaskConfig, examples: Sequence[Example]) -> list[str]:
    """That labels are shares of a range, here and in what is scored, and which ones there are."""
    ends = score_range_of(task)
    if ends is None or not examples:
        return []
    shares = [float(example.label) for example in examples]
    told = f"labels from {ends[0]:g} to {ends[1]:g} are read as 0 to 1 (task.score_range)"
    return [f"{told}, and are {min(shares):.3g} to {max(shares):.3g} so"]


def likeness_notes(labels: Sequence[str], *, what: str = "labels") -> list[str]:
    """Labels, or other names, that look alike: in what they differ alone, and how they are written."""
    alike: dict[str, list[str]] = defaultdict(list)
    for label in sorted(labels):
        alike[as_seen(label)].append(label)
    by_reason: dict[str, list[str]] = defaultdict(list)
    for same in alike.values():
        if len(same) > 1:
            reason = _difference(same)
            by_reason[reason].append(" and ".join(_written(one, reason) for one in same))
    differing = [
        f"{what} that differ in {reason} alone: {', '.join(same[:SHOWN])}" for reason, same in by_reason.items()
    ]
    return differing + _value_notes(labels, what)


def _value_notes(labels: Sequence[str], what: str) -> list[str]:
    """Labels that are written otherwise and may mean the same: numbers, and words and signs for true and false."""
    by_value: dict[str, list[str]] = defaultdict(list)
    for label in sorted(labels):
        for value in meanings_of(label):
            by_value[value].append(label)
    alike = dict.fromkeys(tuple(same) for same in by_value.values() if len({as_seen(one) for one in same}) > 1)
    shown = ", ".join(" and ".join(map(repr, same)) for same in list(alike)[:SHOWN])
    return [f"{what} that may mean the same, and are not one here: {shown}"] if alike else []


def _difference(labels: Sequence[str]) -> str:
    """What is not the same in them, the smallest of it."""
    composed = {unicodedata.normalize("NFC", label) for label in labels}
    if len(composed) == 1:
        return UNICODE_FORM
    if len({"".join(label.lower().split()) for label in composed}) == 1:
        return "case or blanks"
    if len({without_unseen(label).lower() for label in composed}) == 1:
        return UNSEEN_SIGNS
    return COMPATIBILITY


def _written(label: str, reason: str) -> str:
    """By its escapes where a terminal shows no difference."""
    hidden = reason in (UNICODE_FORM, UNSEEN_SIGNS) or any(sign.isspace() and sign != " " for sign in label)
    return ascii(shortened(label)) if hidden else f"'{shortened(label)}'"


def nothing_notes(examples: Sequence[Example], labels: Sequence[str]) -> list[str]:
    """Texts, targets and labels that are words for nothing, as `nan`."""
    named = sorted(label for label in labels if label.casefold() in NOTHING)
    num_texts = sum(example.text.strip().casefold() in NOTHING for example in examples)
    notes = [f"labels that are words for nothing, and classes here: {', '.join(named)}"] if named else []
    if NO_CLASS in labels and "0" in labels:
        count = sum(NO_CLASS in (example.label, *example.labels) for example in examples)
        notes.append(
            f"label '{NO_CLASS}' is a class here (rows: {count:,}); where it means that there is no label, as in dumps "
            "of data sets, take these rows out"
        )
    num_targets = 0 if labels else sum(example.label.strip().casefold() in NOTHING for example in examples)
    num_pairs = sum(example.pair.strip().casefold() in NOTHING for example in examples)
    counts = {"texts": num_texts, "second texts": num_pairs, "targets": num_targets}
    return notes + [
        f"{what} that are a word for nothing, such as nan: {count:,}" for what, count in counts.items() if count
    ]


def order_notes(labels: Sequence[str], column: str) -> list[str]:
    """Labels that are all numbers, and more than two: names here, which they may not be meant for."""
    if len(labels) < 3 or not all(NUMBER.fullmatch(label) for label in labels):
        return []
    ordered = sorted(labels, key=float)
    shown = f"{with_commas(ordered[:SHOWN])}{', ...' if len(ordered) > SHOWN else ''}"
    return [
        f"labels (data.label_column={column}) are all numbers ({shown}), taken as names without an order; if they are "
        "scores, task=similarity learns those of two texts, and examples/custom/regression.py those of one "
        "(task=custom); if they are names, task.labels=[...] says so"
    ]


def several_notes(examples: Sequence[Example]) -> list[str]:
    """Rows of several labels: how many have none, and whether commas part them all."""
    notes = []
    num_bare = sum(not example.labels for example in examples)
    if num_bare:
        notes.append(f"rows without any label: {num_bare:,} of {len(examples):,}")
    uncut = sorted({label for one in examples for label in one.labels if any(sign in label for sign in OTHER_COMMAS)})
    if uncut:
        notes.append(f"labels with ';' or '|' in them, where commas alone part labels: {with_commas(uncut[:SHOWN])}")
    return notes


def unseen_notes(labels_by_split: Mapping[str, Sequence[str]]) -> list[str]:
    """Labels of held-out rows that no training row has."""
    known = set(labels_by_split["train"])
    unseen = {name: sorted(set(labels) - known) for name, labels in labels_by_split.items()}
    return [
        f"{name} has labels that training lacks: {with_commas(labels[:SHOWN])}"
        for name, labels in unseen.items()
        if labels
    ]
