"""The rows that two models are compared on: given ones, or the challenger's own validation rows."""

from collections.abc import Sequence
from typing import NamedTuple

from slimtune.export.bundle.bundle import Bundle
from slimtune.export.evaluation.bundle_score import bundle_config
from slimtune.export.evaluation.evaluate_model import EvaluationColumns, bundle_rows
from slimtune.export.evaluation.find_model import check_row_files
from slimtune.export.runtime.row_notes import said_of_empty
from slimtune.training.checkpoints.recorded_rows import found_rows
from slimtune.training.data.examples import Example
from slimtune.training.data.splits import RowSplits
from slimtune.training.errors import DataError, ModelError, UntrustedError
from slimtune.training.tasks.rows import read_splits


class NoRows(Exception):
    """The rows that a model was measured on are not at hand; the text says why."""


class Rows(NamedTuple):
    """Labelled rows.

    Attributes:
        name: What they are, in words.
        examples: As the challenger's task reads them.
        notes: What a person should know of how they were read.
        num_seen: How many of them the challenger was trained on.
    """

    name: str
    examples: Sequence[Example]
    notes: Sequence[str] = ()
    num_seen: int = 0


def given_rows_of(bundle: Bundle, data: str, columns: EvaluationColumns, *, trust: bool) -> Rows:
    """Rows that a user names.

    Raises:
        DataError: They cannot be read, or have labels that the bundle does not know.
        UntrustedError: The bundle's config names code, and `trust` is false.
    """
    check_row_files(data, bundle.folder)
    given = bundle_rows(bundle, data, columns, trust=trust)
    left_out = [said_of_empty(given.left_out, then="is not scored", blank=given.blank)] if given.left_out else []
    seen = _seen_in_training(bundle, given.scored, trust=trust)
    return Rows(data, given.scored, [*left_out, *given.notes], seen)


def own_rows(bundle: Bundle, *, trust: bool) -> Rows:
    """The validation rows that a bundle was chosen by.

    Raises:
        NoRows: They are not at hand, or are other ones now.
    """
    return Rows("the challenger's validation rows", _own_splits(bundle, trust=trust).validation)


def _own_splits(bundle: Bundle, *, trust: bool) -> RowSplits:
    """The rows of a bundle's own training; raises `NoRows` as above."""
    try:
        splits = read_splits(found_rows(bundle_config(bundle, trust=trust), bundle.folder))
    except UntrustedError as error:
        raise NoRows(f"{error}") from error
    except (DataError, ModelError) as error:
        raise NoRows(f"the rows cannot be read ({str(error).splitlines()[0]})") from error
    if splits.fingerprint != bundle.manifest.training.data_fingerprint:
        raise NoRows("the rows are other ones now")
    return splits


def _seen_in_training(bundle: Bundle, examples: Sequence[Example], *, trust: bool) -> int:
    """How many rows have a text that the bundle was trained on; 0 where its training rows are not at hand."""
    try:
        splits = _own_splits(bundle, trust=trust)
    except NoRows:
        return 0
    trained = {example.both for example in splits.train}
    return sum(example.both in trained for example in examples)
