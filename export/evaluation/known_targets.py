"""Whether rows that are to be scored have targets that a model can give."""

from collections.abc import Sequence

from slimtune.training.alike_names import looks_like
from slimtune.training.config.task import SimilarityTask
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.label_cells import label_name
from slimtune.training.errors import DataError
from slimtune.training.listed_names import with_commas
from slimtune.training.tasks.loss import own_loss
from slimtune.training.tasks.registry import LabelsIn, entry_of
from slimtune.training.tasks.rows import GivenRows
from slimtune.training.tasks.similarity import alike_name, check_two, pair_labels_in

SHOWN, SHOWN_KNOWN = 5, 20


def check_targets(given: GivenRows, config: TrialConfig, labels: Sequence[str], *, key: str) -> None:
    """Whether a model knows all labels of the rows, and its loss all numbers.

    Args:
        given: The rows.
        config: The model's own.
        labels: That it knows; empty for tasks without.
        key: Names the column of the labels.

    Raises:
        DataError: It does not; all of them are named with their first rows.
    """
    labels_in = entry_of(config.task).labels_in
    if labels_in is not None and labels:
        check_labels(given, labels, labels_in, key=key)
    if isinstance(config.task, SimilarityTask):
        _check_range(given, config, key)
        alike = alike_name(config.task)
        if alike is not None:
            check_two(pair_labels_in(given.scored, config.data.label_column), alike, "the rows")


def check_labels(given: GivenRows, labels: Sequence[str], labels_in: LabelsIn, *, key: str) -> None:
    """Whether all labels of the rows are among these; `key` names their column.

    Raises:
        DataError: Some are not.
    """
    known = {label_name(label) for label in labels}
    found: dict[str, list[str]] = {}
    for place, example in zip(given.places, given.examples, strict=True):
        for label in sorted(set(labels_in(example)) - known) if example is not None else ():
            found.setdefault(label, []).append(place)
    if not found:
        return
    shown = [
        f"'{label}'{looks_like(label, sorted(known))} ({_places(places)})"
        for label, places in list(found.items())[:SHOWN]
    ]
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    what = "a label that the model does not know" if len(found) == 1 else "labels that the model does not know"
    known_ones = with_commas(sorted(known)[:SHOWN_KNOWN]) + (", ..." if len(known) > SHOWN_KNOWN else "")
    repair = f"correct the rows, leave them out, or name another column with {key}"
    raise DataError(f"{what}: {', '.join(shown)}{more}; it knows {known_ones}; {repair}")


def _check_range(given: GivenRows, config: TrialConfig, key: str) -> None:
    loss = own_loss(config.task.loss)
    low, high = loss.label_range if loss is not None else (float("-inf"), float("inf"))
    wrong = [
        (example, place)
        for place, example in zip(given.places, given.examples, strict=True)
        if example is not None and not low <= float(example.label) <= high
    ]
    if wrong:
        example, _ = wrong[0]
        raise DataError(
            f"labels from {low:g} to {high:g} are what the model was trained by, and one is {example.label} "
            f"({_places([place for _, place in wrong])}); rescale the column, or name another with {key}"
        )


def _places(places: Sequence[str]) -> str:
    return places[0] if len(places) == 1 else f"{places[0]}, and {len(places) - 1:,} more"
