"""What a person should know about the rows before training on them: a record, and its picture on the terminal."""

import io
import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from rich.bar import Bar
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from slimtune.training.data.duplicates.near_duplicates import label_conflicts
from slimtune.training.data.labelled_rows import shortened
from slimtune.training.data.row_keys import short_text, text_key
from slimtune.training.fitted_table import FittedTable
from slimtune.training.listed_names import counted, with_commas, with_counts
from slimtune.training.stages import told_stage
from slimtune.training.tracking.display import warned

PERCENTS = (50, 90, 95, 99, 100)
MAX_BINS, BAR_WIDTH = 10, 40
MAX_LEAK_EXAMPLES, MAX_LABEL_NOISE, MAX_CHARACTERS = 5, 10, 120
SHOWN_CLASSES, SHOWN_NOISE = 8, 3
UNBALANCED = 5
TEXT_WIDTH = 110


class RowsBySplit(NamedTuple):
    """By split: texts, labels (None where rows have not one each), uncut tokens of each row; `train` has a row or more.

    Attributes:
        lengths: Of several texts of a row that are cut each by itself, those of the longest.
        label_sets: All labels of each training row, where a row has any number of them.
        compared: By what training rows are compared with one another; by their texts where it is empty.
        num_tokens: Of all texts of all rows; empty where the lengths say it.
    """

    texts: Mapping[str, Sequence[str]]
    labels: Mapping[str, Sequence[str]] | None
    lengths: Mapping[str, np.ndarray]
    label_sets: Sequence[Collection[str]] = ()
    compared: Sequence[str] = ()
    num_tokens: Mapping[str, int] = {}  # a NamedTuple's default, never written to


class Findings(NamedTuple):
    """What reading found. A leak is a training row with the text of a held-out row; examples are pairs of the two.

    Attributes:
        blank_columns: In how many of the empty rows a column is blank, by what it is called.
    """

    num_empty: int = 0
    num_duplicates: int = 0
    leaks_exact: int = 0
    leaks_near: int = 0
    leak_examples: Sequence[tuple[str, str]] = ()
    leaks_removed: bool = True
    leaks_shared: bool = False
    leaks_known: bool = True
    blank_columns: Mapping[str, int] = {}  # a NamedTuple's default, never written to


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitReport:
    """Tokens are counted before anything is cut; quantiles are by percent of the rows, and empty without rows."""

    name: str
    num_rows: int
    num_tokens: int
    length_quantiles: dict[int, int]
    num_cut: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DataReport:
    """Lengths, classes and label noise are those of the training rows.

    Attributes:
        leaks_shared: Whether the near ones are so many that no setting leaves them out.
        leaks_known: Whether near ones were looked for.
        blank_columns: In how many of the empty rows a column is blank, by what it is called.
        classes: Rows with each label, or with a span of each type, the largest first; None without any.
        imbalance: Rows of the largest class over those of the smallest.
        length_histogram: Longest length of a bin and its rows; a bin begins after the one before it.
        suggested_max_length: The smallest multiple of 8 that keeps 99 % of the rows whole, at most the longest row and
            what the model takes.
        baselines: Scores of simple models on the validation rows, by model and metric.
        best_score: The best value of `task.metric` that a model can have on the validation rows; None if there is
            none, or it is not known.
        label_noise: Text, its label, and the label of an earlier row whose text is nearly the same, and not the same.
    """

    splits: list[SplitReport]
    num_empty: int
    num_duplicates: int
    leaks_exact: int
    leaks_near: int
    leak_examples: list[tuple[str, str]]
    leaks_removed: bool
    leaks_shared: bool
    leaks_known: bool
    blank_columns: dict[str, int]
    classes: dict[str, int] | None
    imbalance: float | None
    max_length: int
    length_histogram: list[tuple[int, int]]
    cut_share: float
    suggested_max_length: int
    baselines: dict[str, dict[str, float]]
    label_noise: list[tuple[str, str, str]]
    notes: list[str]
    best_score: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """What reading it back from JSON gives: lists for tuples, text for the percents."""
        return dict(json.loads(json.dumps(asdict(self))))


def make_report(
    rows: RowsBySplit,
    *,
    max_length: int,
    findings: Findings,
    most_tokens: int | None = None,
    near_duplicates: bool = True,
) -> DataReport:
    """Count everything; baselines are left to the task.

    Args:
        rows: The rows.
        max_length: Tokens beyond which they are cut.
        findings: What reading found.
        most_tokens: What the model has places for.
        near_duplicates: Whether to look for rows that nearly repeat one with another label.
    """
    lengths = np.sort(rows.lengths["train"])
    texts, labels = rows.texts, rows.labels or {}
    counts = Counter(labels["train"] if labels else [label for one in rows.label_sets for label in {*one}])
    # of as many rows, in the order of the rows; of sets, in that of the names, for sets have none
    classes = dict(counts.most_common() if labels else sorted(counts.items(), key=lambda one: (-one[1], one[0])))
    noise = _noise(texts["train"], labels["train"], rows.compared) if labels and near_duplicates else []
    examples = [(one[:MAX_CHARACTERS], two[:MAX_CHARACTERS]) for one, two in findings.leak_examples]
    report = DataReport(
        splits=[_split_report(rows, name, max_length) for name in rows.lengths],
        **findings._replace(
            leak_examples=examples[:MAX_LEAK_EXAMPLES], blank_columns=dict(findings.blank_columns)
        )._asdict(),
        classes=classes or None,
        imbalance=max(classes.values()) / min(classes.values()) if classes else None,
        max_length=max_length,
        length_histogram=_histogram(lengths),
        cut_share=float(np.mean(lengths > max_length)),
        suggested_max_length=min(
            -(-_quantile(lengths, 99) // 8) * 8, int(lengths[-1]), *([most_tokens] if most_tokens else [])
        ),
        baselines={},
        label_noise=[(text[:MAX_CHARACTERS], label, other) for text, label, other in noise],
        notes=[],
    )
    return replace(report, notes=list(_notes(report, labels)))


def _noise(texts: Sequence[str], labels: Sequence[str], compared: Sequence[str]) -> list[tuple[str, str, str]]:
    """Text, label and earlier label; inputs that are the same have a note of their own, from when they were read."""
    with told_stage("looks for rows that are nearly the same with other labels (data.near_duplicates)", len(texts)):
        found = label_conflicts(compared or texts, labels)
    near = (one for one in found if text_key(texts[one.row]) != text_key(texts[one.other]))
    return [(texts[row], labels[row], labels[other]) for row, other in islice(near, MAX_LABEL_NOISE)]


def render(report: DataReport) -> list[RenderableType]:
    """The report for a terminal of 80 columns or more."""
    parts: list[RenderableType] = [_split_table(report.splits)]
    if sum(count > 0 for _, count in report.length_histogram) > 1:
        parts.append(_bars(report))
    if report.classes:
        shown = [_printable(shortened(label)) for label in report.classes]
        quoted = [f"'{one}'" for one in shown] if any("," in one for one in shown) else shown
        named = [f"{one} {count:,}" for one, count in zip(quoted, report.classes.values(), strict=True)]
        hidden = [f"{len(named) - SHOWN_CLASSES} smaller ones"] if len(named) > SHOWN_CLASSES else []
        parts.append(Text("classes, in training: " + ", ".join(named[:SHOWN_CLASSES] + hidden)))
    notes = Table.grid(padding=(0, 1))
    for note in report.notes:
        notes.add_row("-", Text(note, overflow="fold"))
    return [*parts, notes]


def _printable(label: str) -> str:
    """A label on one line, with escapes for signs that a terminal does not show or obeys."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in label)


def as_text(report: DataReport) -> str:
    """The same without colours, for a page that shows plain text."""
    console = Console(width=TEXT_WIDTH, file=io.StringIO(), color_system=None)
    for part in render(report):
        console.print(part, highlight=False)
    with_blanks: str = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in with_blanks.splitlines()) + "\n"


def _quantile(sorted_lengths: np.ndarray, percent: int) -> int:
    return int(sorted_lengths[max(0, -(-percent * len(sorted_lengths) // 100) - 1)])


def _split_report(rows: RowsBySplit, name: str, max_length: int) -> SplitReport:
    lengths = rows.lengths[name]
    quantiles = {percent: _quantile(np.sort(lengths), percent) for percent in PERCENTS} if len(lengths) else {}
    num_cut, num_tokens = int((lengths > max_length).sum()), rows.num_tokens.get(name, int(lengths.sum()))
    return SplitReport(
        name=name, num_rows=len(lengths), num_tokens=num_tokens, length_quantiles=quantiles, num_cut=num_cut
    )


def _histogram(sorted_lengths: np.ndarray) -> list[tuple[int, int]]:
    """Bins as wide as a power of two up to the 99 % quantile; one more for the rest."""
    most = max(1, _quantile(sorted_lengths, 99))
    width = 1 << ((most - 1) // MAX_BINS).bit_length()
    bounds = list(range(width, most + width, width))
    if sorted_lengths[-1] > bounds[-1]:
        bounds.append(int(sorted_lengths[-1]))
    counts = np.bincount(np.searchsorted(bounds, sorted_lengths), minlength=len(bounds))
    return list(zip(bounds, counts.tolist(), strict=True))


def _split_table(splits: Sequence[SplitReport]) -> FittedTable:
    table = FittedTable("data, with the tokens that so many of the rows do not exceed")
    table.add_column("split", justify="left")
    for name in ("rows", "tokens", *(f"{percent} %" for percent in PERCENTS[:-1]), "longest", "cut"):
        table.add_column(name)
    for split in splits:
        lengths = (f"{split.length_quantiles[percent]:,}" if split.num_rows else "-" for percent in PERCENTS)
        table.add_row(split.name, f"{split.num_rows:,}", f"{split.num_tokens:,}", *lengths, f"{split.num_cut:,}")
    return table


def _bars(report: DataReport) -> Table:
    table, first, most = Table.grid(padding=(0, 1)), 0, max(count for _, count in report.length_histogram)
    is_begun = False
    for bound, count in report.length_histogram:
        # shorter rows than the shortest are no rows of a picture
        is_begun = is_begun or count > 0
        if not is_begun:
            first = bound + 1
            continue
        bar = Bar(most, 0, count, width=BAR_WIDTH, color="red" if first > report.max_length else "green")
        lengths = f"{first:,} to {bound:,} tokens" if first < bound else counted(bound, "token")
        table.add_row(Text(lengths, justify="right"), bar, f"{count:,}")
        first = bound + 1
    return table


def _hint(report: DataReport) -> str:
    suggested, train = report.suggested_max_length, report.splits[0]
    if train.length_quantiles[99] <= suggested:
        return f"; {suggested} keeps 99 % whole"
    # the model ends there
    return f"; {suggested} is as much as the model takes" if suggested > report.max_length else ""


def _kept(report: DataReport) -> str:
    # left out by no setting: all rows share something
    shared = ", as more than a tenth of them are" if report.leaks_shared else ""
    return f"kept in training{shared}, which may flatter the scores; promotion.no_leak refuses the model for that"


def _noise_note(noise: Sequence[tuple[str, str, str]]) -> str:
    more = " or more" if len(noise) == MAX_LABEL_NOISE else ""
    shown = "; ".join(
        f"'{short_text(text)}': '{_printable(label)}', the earlier one '{_printable(other)}'"
        for text, label, other in noise[:SHOWN_NOISE]
    )
    return f"training rows that nearly repeat an earlier one with another label: {len(noise)}{more}; e.g. {shown}"


def _notes(report: DataReport, labels: Mapping[str, Sequence[str]]) -> Iterator[str]:
    if report.label_noise:
        yield _noise_note(report.label_noise)
    if report.num_empty:
        blank = f"; blank in them: {with_counts(report.blank_columns)}" if report.blank_columns else ""
        yield f"empty rows left out: {report.num_empty:,}{blank}"
    if report.num_duplicates:
        yield f"duplicates left out: {report.num_duplicates:,}; an earlier row has the same input and target"
    if report.leaks_exact:
        yield f"training rows that are in a held-out split too: {report.leaks_exact:,}; removed from training"
    if report.leaks_near:
        told = f"training rows that are nearly a held-out row: {report.leaks_near:,}"
        yield f"{told}; removed from training" if report.leaks_removed else warned(f"{told}; {_kept(report)}")
    hint = _hint(report) if report.cut_share > 0.01 else ""
    share = f"{100 * report.cut_share:.1f} %" if report.cut_share else "none"
    yield f"{share} of the training rows are cut at data.max_length={report.max_length}{hint}"
    classes = report.classes or {}
    if report.imbalance and report.imbalance >= UNBALANCED:
        largest, *_, smallest = classes
        rows = counted(classes[smallest], "row")
        yield f"label '{smallest}' has {rows}: {report.imbalance:.0f} times fewer than '{largest}'"
    for name in labels:
        if unseen := sorted(set(labels[name]) - set(classes)):
            yield f"{name} has labels that training lacks: {with_commas(unseen[:SHOWN_CLASSES])}"
