"""Sending all that waits in the folders of sweeps and trials."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from slimtune.training.config.tracking import TrackingConfig, TrackingMode, mlflow_at
from slimtune.training.listed_names import counted
from slimtune.training.tracking.delivery import Delivery, NoParent
from slimtune.training.tracking.journal import Header, Journal, has_cut_header, header_in, ids_in, journals_in
from slimtune.training.tracking.line import Line, first_line
from slimtune.training.tracking.outbox_run import line_to
from slimtune.training.tracking.uri import tracking_uri, without_password

BROKEN = "its first line is cut off, so nobody can say whose run it is of; read it, then remove it"


class Left(NamedTuple):
    """What still waits in a journal, and why."""

    folder: Path
    why: str


class Synced(NamedTuple):
    """What came of sending.

    Attributes:
        runs: Runs of which something was sent.
        entries: What was sent of them: a batch of metrics, params or tags, or an artifact each.
        left: Journals that wait on.
        busy: Journals that a running process has, which sends them itself.
    """

    runs: int
    entries: int
    left: list[Left]
    busy: int


def line_of(header: Header) -> Line:
    """The way to the tracker that a journal is for."""
    config = mlflow_at(header.uri, header.experiment)
    return line_to(config, header.experiment)


def sync(place: Path, *, uri: str | None = None, connect: Callable[[Header], Line] = line_of) -> Synced:
    """Send what waits in a folder, the runs of sweeps before those of their trials.

    Args:
        place: Of a sweep, a trial, or of several.
        uri: A tracker in place of the one that the journals name.
        connect: Gives the way to a journal's tracker.
    """
    lines: dict[tuple[str, str], Line] = {}
    sent: set[str] = set()
    entries, busy, left = 0, 0, list[Left]()
    for folder in journals_in(place):
        journal = Journal.open(folder)
        if journal is None:
            if has_cut_header(folder):
                left.append(Left(folder, BROKEN))
            busy += header_in(folder) is not None
            continue
        header = journal.header if uri is None else journal.header._replace(uri=uri)
        way = (header.uri, header.experiment)
        line = lines[way] = lines.get(way) or connect(header)
        try:
            was_there = journal.run_id is not None
            if uri is not None and was_there and _is_elsewhere(journal, line):
                left.append(Left(folder, "its run is in the tracker that it began in; leave --tracking-uri out"))
                continue
            if journal.waiting or not was_there:
                number = _deliver(journal, line, left)
                entries += number
                sent |= {header.key} if number or (journal.run_id is not None and not was_there) else set()
        finally:
            journal.close()
    return Synced(len(sent), entries, left, busy)


def _is_elsewhere(journal: Journal, line: Line) -> bool:
    """Whether a tracker that was named in place of a run's own does not have the run."""
    return line.lacks(journal.run_id)


def _deliver(journal: Journal, line: Line, left: list[Left]) -> int:
    """How many entries were sent; a tracker that is away is not asked for each run."""
    if not line.is_ready():
        left.append(Left(journal.folder, line.why or "the tracker is away"))
        return 0
    before = len(journal.waiting)
    try:
        Delivery(journal, line, is_new=False).send()
    except NoParent as error:
        left.append(Left(journal.folder, str(error)))
    except Exception as error:  # noqa: BLE001  # a tracker raises whatever its store raises
        line.lost(error)
        left.append(Left(journal.folder, first_line(error)))
    else:
        if journal.waiting:
            left.append(Left(journal.folder, "artifacts cannot be stored; the log says why"))
    return before - len(journal.waiting)


def send_waiting(place: Path, config: TrackingConfig, say: Callable[[str], None]) -> None:
    """At the end of a command: send what waits once more, and say where the rest is."""
    left = len(sync(place).left) if config.mode is TrackingMode.online else waits_in(place)
    if left:
        what = counted(left, "run")
        where = without_password(tracking_uri(config.uri))
        command = f"slimtune sync {shlex.quote(str(place))}"
        say(f"tracking: what {where} has not taken ({what}) waits in {place}; send it with {command}")


def ids_in_outboxes(place: Path) -> set[str]:
    """The tracker's ids of runs that have a journal in a folder, as far as they are known."""
    found = [ids_in(folder) for folder in journals_in(place)]
    return {ids[1] for ids in found if ids is not None and ids[1] is not None}


def waits_in(place: Path) -> int:
    """How many runs wait in a folder, or wait for the rest of what they have."""
    waiting = 0
    for folder in journals_in(place):
        journal = Journal.open(folder)
        if journal is not None:
            waiting += bool(journal.waiting) or journal.run_id is None
            journal.close()
        else:
            waiting += has_cut_header(folder)
    return waiting
