"""What a worker needs of the launching process' machine where it runs on another one."""

import logging
import os
import socket
import sys
from pathlib import Path

from slimtune.sweeper.study import StudySpec, load_study_attrs
from slimtune.training.errors import StoreError
from slimtune.training.tracking.uri import without_password

log = logging.getLogger(__name__)


def enter(folder: str) -> None:
    """Go where the launching process is, and import what it imports; some launchers begin elsewhere."""
    if not Path(folder).is_dir():
        log.warning(
            "%s has no folder %s, in which the sweep was started: relative paths lead elsewhere on this machine",
            socket.gethostname(),
            folder,
        )
        return
    os.chdir(folder)
    if folder not in sys.path:
        # at the end, as the command has it
        sys.path.append(folder)


def check_storage(spec: StudySpec) -> None:
    """A worker joins a study; one that began its own would search unseen.

    Raises:
        StoreError: The storage has no such study here.
    """
    try:
        load_study_attrs(spec.storage, spec.name)
    except StoreError as error:
        raise StoreError(
            f"{socket.gethostname()} does not reach the study '{spec.name}' at '{without_password(spec.storage)}': "
            "share the sweep's folder with this machine, or set search.storage to a server that all machines reach"
        ) from error
