"""The rows that two models are compared on: given ones, or the challenger's own validation rows."""

from collections.abc import Sequence
from typing import NamedTuple

from slimtune.export.bundle.bundle import Bundle
from slimtune.export.evaluation.evaluate_model import EvaluationColumns, bundle_rows
from slimtune.export.evaluation.find_model import check_row_files
from slimtune.export.evaluation.seen_rows import said_of_seen, seen_of_bundle, splits_of_bundle
from slimtune.export.promotion.config import LEAVE_OUT_KNOWN
from slimtune.export.runtime.row_notes import said_of_empty
from slimtune.training.data.examples import Example
from slimtune.training.errors import DataError


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
    seen = seen_of_bundle(bundle, given, trust=trust)
    notes = [*left_out, *given.notes]
    if not seen:
        return Rows(data, given.scored, notes)
    told = said_of_seen(given, seen)
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
    return Rows("the challenger's validation rows", splits_of_bundle(bundle, trust=trust).validation)
