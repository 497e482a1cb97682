"""What a study says of where its runs lie; nothing heavy is imported to read it."""

from collections.abc import Mapping
from typing import Any

from slimtune.sweeper.study.record import PLACE
from slimtune.training.broken_files import BROKEN, fault_of
from slimtune.training.errors import StoreError
from slimtune.training.tracking.places.place import RunsPlace, read_place


def noted_place(attrs: Mapping[str, Any]) -> RunsPlace | None:
    """Where the runs of a study lie; None if none were tracked, or that was not noted yet.

    Raises:
        StoreError: The note is broken.
    """
    noted = attrs.get(PLACE)
    try:
        return None if noted is None else read_place(noted)
    except BROKEN as error:
        raise StoreError(f"the note '{PLACE}' of the study is broken: {fault_of(error)}; bring it back") from error
