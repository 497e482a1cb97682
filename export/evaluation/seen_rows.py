"""Which of given rows a model was trained on, looked up in the rows of its training where these are at hand."""

from collections.abc import Sequence
from pathlib import Path

from slimtune.export.bundle.bundle import Bundle
from slimtune.export.evaluation.bundle_score import bundle_config
from slimtune.training.checkpoints.checkpoint import Checkpoint
from slimtune.training.checkpoints.recorded_rows import found_rows
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.splits import RowSplits
from slimtune.training.errors import UntrustedError, UserError
from slimtune.training.listed_names import agreeing, counted, with_commas
from slimtune.training.tasks.rows import GivenRows, read_splits

# of those rows, so many are named
SHOWN_ROWS = 5


class NoRows(Exception):
    """The rows that a model was trained and measured on are not at hand; the text says why."""


class UntrustedRows(NoRows):
    """They are not read for want of trust: the text ends with what gives it."""


def splits_of_bundle(bundle: Bundle, *, trust: bool) -> RowSplits:
    """The rows of a bundle's own training.

    Raises:
        UntrustedRows: The bundle's config names code, and `trust` is false.
        NoRows: They cannot be read, or are other ones now.
    """
    try:
        config = bundle_config(bundle, trust=trust)
    except UntrustedError as error:
        raise UntrustedRows(f"{error}") from error
    except UserError as error:
        raise NoRows(f"{error}") from error
    return splits_of(config, bundle.folder, bundle.manifest.training.data_fingerprint)


def splits_of(config: TrialConfig, folder: Path, fingerprint: str) -> RowSplits:
    """The rows of a model's training.

    Args:
        config: That it was trained with.
        folder: Of the checkpoint or the bundle, above which files are looked for.
        fingerprint: sha256 of the rows as they were.

    Raises:
        NoRows: They cannot be read, or are other ones now.
    """
    try:
        splits = read_splits(found_rows(config, folder))
    except UserError as error:
        raise NoRows(f"the rows cannot be read ({str(error).splitlines()[0]})") from error
    if splits.fingerprint != fingerprint:
        raise NoRows("the rows are other ones now")
    return splits


def seen_of_bundle(bundle: Bundle, given: GivenRows, *, trust: bool) -> list[int] | None:
    """Places of the rows that a bundle was trained on; None where its training rows are not at hand."""
    try:
        return _seen(given, splits_of_bundle(bundle, trust=trust))
    except NoRows:
        return None


def seen_of_checkpoint(checkpoint: Checkpoint, given: GivenRows) -> list[int] | None:
    """The same of a checkpoint."""
    try:
        splits = splits_of(checkpoint.config, checkpoint.folder, checkpoint.record.data_fingerprint)
    except NoRows:
        return None
    return _seen(given, splits)


def _seen(given: GivenRows, splits: RowSplits) -> list[int]:
    """Of those with a text."""
    trained = {example.both for example in splits.train}
    return [at for at, example in enumerate(given.examples) if example is not None and example.both in trained]


def said_of_seen(given: GivenRows, seen: Sequence[int]) -> str:
    """How many rows are training rows of the model, and which."""
    places = with_commas([given.places[at] for at in seen[:SHOWN_ROWS]])
    more = f" and {len(seen) - SHOWN_ROWS:,} more" if len(seen) > SHOWN_ROWS else ""
    are = agreeing(len(seen), "is a training row", "are training rows")
    return f"{len(seen):,} of the {counted(len(given.scored), 'row')} {are} of the model ({places}{more})"
