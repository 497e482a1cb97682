"""A run that is written down on disk before it is sent, so that nothing is lost on the way to the tracker."""

import re
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from slimtune.training.config.tracking import TrackerName, TrackingConfig, TrackingMode
from slimtune.training.hub_connection import why_unreachable_at
from slimtune.training.tracking.beside.both_runs import opened_beside
from slimtune.training.tracking.delivery import Delivery, NoParent
from slimtune.training.tracking.display import display
from slimtune.training.tracking.journal import OUTBOX, QUEUED, Header, Journal, ids_in, now_ms
from slimtune.training.tracking.line import Line, RunStore
from slimtune.training.tracking.mlflow_runs import Tracker, first_tags
from slimtune.training.tracking.run import MetricPoint, NullRun, TrackedRun, TrackedSplit
from slimtune.training.tracking.uri import experiment_name, tracking_uri
from slimtune.training.trial import Lineage

# MLflow's name of a run, which is a tag
RUN_NAME = "mlflow.runName"


class OutboxRun:
    """Implements `TrackedRun`: each call is an entry of the run's journal, and is sent at once if the tracker takes it.

    No call raises what the tracker raises: what it does not take now waits in the journal. Every method may be called
    from several threads.

    Attributes:
        is_new: Whether no earlier attempt has begun it.
    """

    def __init__(self, journal: Journal, line: Line, *, is_new: bool) -> None:
        self._journal, self._line = journal, line
        self._delivery = Delivery(journal, line, is_new=is_new)
        self.is_new = is_new
        self._closed = False
        # a sweep's pages are written beside its result
        self._turn = threading.RLock()

    @property
    def run_id(self) -> str | None:
        """The tracker's id; `queued-...` until the tracker has the run."""
        return self._journal.run_id or f"{QUEUED}{self._journal.header.key}"

    @property
    def is_there(self) -> bool:
        """Whether the tracker has the run."""
        return self._journal.run_id is not None

    def log_points(self, points: list[MetricPoint]) -> None:
        """Log values over the training; those that the run already has are not written twice."""
        if points:
            self._put("points", rows=[[one.key, float(one.value), one.step, one.timestamp_ms] for one in points])

    def log_metrics(self, values: Mapping[str, float]) -> None:
        """Log final values, at step 0; those of an earlier attempt are replaced."""
        if values:
            now = now_ms()
            self._put("finals", rows=[[key, float(value), 0, now] for key, value in values.items()])

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Log parameters as they are displayed."""
        if params:
            self._put("params", rows=[[key, display(value)] for key, value in params.items()])

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set or replace tags."""
        if tags:
            self._put("tags", rows=[[key, str(value)] for key, value in tags.items()])

    def log_text(self, text: str, file: str) -> None:
        """Write a text artifact."""
        self._put("text", text=text, file=file)

    def log_file(self, path: Path) -> None:
        """Log a file as an artifact under its own name."""
        with self._turn:
            self._open()
            self._journal.append_copy("file", path)
            self.flush()

    def log_folder(self, folder: Path, name: str) -> None:
        """Upload a folder as artifacts under `name`."""
        with self._turn:
            self._open()
            self._journal.append_copy("folder", folder, name=name)
            self.flush()

    def log_data(self, splits: Sequence[TrackedSplit]) -> None:
        """Register the rows of each split as an input of the run."""
        if splits:
            self._put("data", splits=[{**split._asdict(), "profile": dict(split.profile)} for split in splits])

    def tag_experiment(self, key: str, value: str) -> None:
        """Set a tag of the experiment."""
        self._put("experiment_tag", key=key, value=value)

    def reopen(self) -> None:
        """The run goes on after it was closed or left."""
        self._put("reopen")

    def end(self, *, state: str, failed: bool = False) -> None:
        """Close the run; `state` says what became of it."""
        with self._turn:
            self._put("end", state=state, failed=failed, at_ms=now_ms())
            self.leave()

    def leave(self) -> None:
        """Write no more for now; state and end of the run stay as they are."""
        with self._turn:
            self._closed = True
            self._journal.close()

    def _open(self) -> None:
        """Whoever writes on a closed run begins another journal for it."""
        if self._closed:
            header = self._journal.header._replace(run_id=self._journal.run_id)
            self._journal = Journal.begin(self._journal.folder.parent.parent, header)
            self._delivery = Delivery(self._journal, self._line, is_new=False)
            self._closed = False

    def _put(self, do: str, **values: Any) -> None:
        with self._turn:
            self._open()
            self._journal.append(do, **values)
            self.flush()

    def flush(self) -> None:
        """Send what waits, unless the tracker was away a moment ago."""
        if not self._line.is_ready():
            return
        try:
            with self._turn:
                self._delivery.send()
        except NoParent:
            # sent after it, by whoever sends all
            return
        except Exception as error:  # noqa: BLE001  # a tracker raises whatever its store raises
            self._line.lost(error)
            return
        self._line.found()


def line_to(config: TrackingConfig, experiment: str) -> Line:
    """The way to the experiment of a config; nothing is opened yet."""
    name = experiment_name(config.experiment, experiment)

    def connect() -> RunStore:
        return Tracker(config, experiment)

    uri = tracking_uri(config.uri)
    probe = partial(why_unreachable_at, uri) if uri.startswith(("http://", "https://")) else None
    return Line(uri, name, connect, online=config.mode is TrackingMode.online, probe=probe)


def open_run(line: Line, lineage: Lineage, *, key: str | None = None, began_ms: int | None = None) -> OutboxRun:
    """A new run, or that of an earlier attempt, resumed, with what waits of it; if that was deleted, a new one.

    Args:
        line: To the tracker.
        lineage: Of the run; its journal lies in the folder.
        key: A run of this key may be there, and goes on then; None for one that is known by its id alone.
        began_ms: When a new one began, in milliseconds since 1970; None is now.
    """
    journal = _left(line, lineage, key)
    is_new = False
    if journal is None:
        run_id, known = _known(line, lineage, key)
        is_new = run_id is None and known is None
        journal = _begun(line, lineage, run_id, known, began_ms)
    run = OutboxRun(journal, line, is_new=is_new)
    if is_new:
        run.flush()
    else:
        run.reopen()
        if lineage.earlier:
            # another attempt is another trial, with a number of its own
            run.set_tags({RUN_NAME: lineage.name, **lineage.tags})
    return run


def tag_ended(line: Line, lineage: Lineage, tags: Mapping[str, str]) -> None:
    """Set tags of a run that has ended, which stays so; one that was deleted gets none.

    Args:
        line: To the tracker.
        lineage: Of the run, whose id it has; what the tracker does not take waits in its folder.
        tags: Set or replaced.
    """
    journal = _left(line, lineage, None)
    if journal is None:
        run_id, known = _known(line, lineage, None)
        if run_id is None and known is None:
            return
        journal = _begun(line, lineage, run_id, known)
    run = OutboxRun(journal, line, is_new=False)
    run.set_tags(tags)
    run.leave()


def _begun(line: Line, lineage: Lineage, run_id: str | None, key: str | None, began_ms: int | None = None) -> Journal:
    """A new journal of a run, which has a key of its own unless one is known."""
    header = Header(
        key=key or uuid.uuid4().hex,
        uri=line.uri,
        experiment=line.experiment,
        name=lineage.name,
        parent=lineage.parent_run_id,
        tags=first_tags(lineage),
        began_ms=now_ms() if began_ms is None else began_ms,
        run_id=run_id,
    )
    return Journal.begin(lineage.folder, header)


def _left(line: Line, lineage: Lineage, key: str | None) -> Journal | None:
    """The journal that an earlier attempt left, unless somebody else is at it."""
    given = lineage.run_id
    if given is None and key is None:
        return None
    for place in (lineage.folder, *lineage.earlier):
        # what began when a run was deleted comes behind that one
        for folder in sorted((place / OUTBOX).glob("*"), reverse=True):
            ids = ids_in(folder)
            if ids is None or (ids[0].uri, ids[0].experiment) != (line.uri, line.experiment):
                continue
            header, run_id = ids
            of_key = key is not None and re.fullmatch(rf"{re.escape(key)}(-\d+)?", header.key) is not None
            is_it = of_key or (given is not None and given in (run_id, f"{QUEUED}{header.key}"))
            if is_it and not _was_deleted(line, run_id, header.key) and (found := Journal.open(folder)) is not None:
                return found
    return None


def _was_deleted(line: Line, run_id: str | None, key: str | None = None) -> bool:
    """Whether a run is in the tracker no more; one whose id is not known is looked up by its key."""
    if run_id is None and key is not None:
        run_id = _id_of(line, key)
    return line.lacks(run_id)


def _known(line: Line, lineage: Lineage, key: str | None) -> tuple[str | None, str | None]:
    """Id and key of the run that a lineage resumes, as far as they are known; neither if it was deleted.

    A run that is known by its key alone would be found again for ever after it was deleted, so what comes in its place
    has the next of `key`, `key-1`, `key-2`, ...
    """
    given = lineage.run_id
    if given is None:
        return (None, None) if key is None else _first_living(line, key)
    if given.startswith(QUEUED):
        key = given.removeprefix(QUEUED)
        found = _id_of(line, key)
        return (None, None) if _was_deleted(line, found) else (found, key)
    return (None, None) if _was_deleted(line, given) else (given, key or given)


def _first_living(line: Line, key: str) -> tuple[str | None, str]:
    name, number = key, 0
    while (found := _id_of(line, name)) is not None and _was_deleted(line, found):
        number += 1
        name = f"{key}-{number}"
    return found, name


def _id_of(line: Line, key: str) -> str | None:
    """Id of the run that was made under a key, deleted or not; None if there is none, or the tracker is away."""
    return line.ask(partial(_found, key=key))


def _found(store: RunStore, *, key: str) -> str | None:
    return store.find(key)


class Trackers:
    """The trackers of a worker, each with its experiment looked up once: later trials do not wait for a tracker that is
    slow or down.
    """

    def __init__(self) -> None:
        self._lines: dict[tuple[str, str, TrackingMode], Line] = {}

    def opener(self, config: TrackingConfig, lineage: Lineage) -> Callable[[], TrackedRun]:
        """What opens a run in the configured tracker; may be called on another thread."""
        opened = self._opener(config, lineage)
        if config.tensorboard or config.wandb:
            return partial(opened_beside, opened, config, lineage)
        return opened

    def _opener(self, config: TrackingConfig, lineage: Lineage) -> Callable[[], TrackedRun]:
        if config.name is TrackerName.none:
            return NullRun
        key = (tracking_uri(config.uri), experiment_name(config.experiment, lineage.experiment), config.mode)
        if key not in self._lines:
            self._lines[key] = line_to(config, lineage.experiment)
            self._lines[key].ask(lambda store: store)
        # reporters hold back while steps are timed
        return partial(open_run, self._lines[key], lineage, began_ms=now_ms())
