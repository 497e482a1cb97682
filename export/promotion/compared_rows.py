"""The rows that two models are compared on: given ones, or the challenger's own validation rows."""

from collections.abc import Sequence
from typing import NamedTuple

from slimtune.export.bundle.bundle import Bundle
from slimtune.export.evaluation.bundle_score import bundle_config
from slimtune.export.evaluation.evaluate_model import EvaluationColumns, bundle_rows
from slimtune.export.evaluation.find_model import check_row_files
from slimtune.export.promotion.config import LEAVE_OUT_KNOWN
from slimtune.export.runtime.row_notes import said_of_empty
from slimtune.training.checkpoints.recorded_rows import found_rows
from slimtune.training.data.examples import Example
from slimtune.training.data.splits import RowSplits
from slimtune.training.errors import DataError, ModelError, UntrustedError
from slimtune.training.listed_names import with_commas
from slimtune.training.tasks.rows import read_splits

# of those rows, so many are named
SHOWN_ROWS = 5


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


def given_rows_of(
    bundle: Bundle, data: str, columns: EvaluationColumns, *, trust: bool, without_known: bool = False
) -> Rows:
    """Rows that a user names.

    Args:
        bundle: The challenger.
        data: Names them.
        columns: Of the rows.
        trust: Whether code that the bundle's config names may be run.
        without_known: Whether rows that the challenger was trained on are left out.

    Raises:
        DataError: They cannot be read, have labels that the bundle does not know, or none is left.
        UntrustedError: The bundle's config names code, and `trust` is false.
    """
    check_row_files(data, bundle.folder)
    given = bundle_rows(bundle, data, columns, trust=trust)
    left_out = [said_of_empty(given.left_out, then="is not scored", blank=given.blank)] if given.left_out else []
    seen = _seen_in_training(bundle, given.examples, trust=trust)
    notes = [*left_out, *given.notes]
    if not seen:
        return Rows(data, given.scored, notes)
    places = with_commas([given.places[at] for at in seen[:SHOWN_ROWS]])
    more = f" and {len(seen) - SHOWN_ROWS:,} more" if len(seen) > SHOWN_ROWS else ""
    told = f"{len(seen):,} of the {len(given.scored):,} rows are training rows of the model ({places}{more})"
    if not without_known:
        return Rows(data, given.scored, [*notes, told], len(seen))
    known = set(seen)
    rest = [one for at, one in enumerate(given.examples) if one is not None and at not in known]
    if not rest:
        raise DataError(f"{data}: all rows are training rows of the model: {LEAVE_OUT_KNOWN} leaves none; give others")
    return Rows(data, rest, [*notes, f"{told}; left out"])


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


def _seen_in_training(bundle: Bundle, examples: Sequence[Example | None], *, trust: bool) -> list[int]:
    """Places of rows with a text that the bundle was trained on; none where its training rows are not at hand."""
    try:
        splits = _own_splits(bundle, trust=trust)
    except NoRows:
        return []
    trained = {example.both for example in splits.train}
    return [at for at, example in enumerate(examples) if example is not None and example.both in trained]
