"""Sending a journal: in its order, each entry until the tracker has taken or refused it, nothing twice."""

import logging
from collections.abc import Mapping
from typing import Any

from slimtune.training.tracking.journal import KEY_TAG, QUEUED, Journal, JournalEntry
from slimtune.training.tracking.line import Line, RunStore, StoredRun, first_line, is_refusal
from slimtune.training.tracking.run import MetricPoint, TrackedSplit

log = logging.getLogger(__name__)

# kinds of entries with rows that can be sent apart
BY_ROWS = {"points", "finals", "params", "tags"}
ARTIFACTS = {"text", "file", "folder"}


class NoParent(Exception):
    """The run of the sweep is not in the tracker yet."""


class Delivery:
    """Sends what waits in a journal.

    Args:
        journal: Of the run.
        line: To the tracker.
        is_new: Whether the run was never sent: it is not looked for before it is made, nor are its points.
    """

    def __init__(self, journal: Journal, line: Line, *, is_new: bool) -> None:
        self._journal, self._line, self._is_new = journal, line, is_new
        self._run: StoredRun | None = None
        self._gone, self._stores_artifacts = False, True
        # by metric, when it was logged at which steps; of a run of which that is not known otherwise
        self._times: dict[str, dict[int, set[int]]] = {}

    def send(self) -> int:
        """Send all that waits; how many entries that was.

        Raises:
            NoParent: As it says.
            Exception: Whatever the tracker raises; what was not taken waits on.
        """
        try:
            run = self._open(self._line.store())
            sent = 0
            for entry in list(self._journal.waiting):
                if self._is_sent(run, entry):
                    self._journal.taken(entry)
                    sent += 1
        except Exception:
            # perhaps it was taken, and the answer was lost
            self._is_new = False
            self._times.clear()
            raise
        return sent

    def _is_sent(self, run: StoredRun, entry: JournalEntry) -> bool:
        """Send an entry; False for an artifact that cannot be stored while the tracker answers: the rest goes on.

        Artifacts may lie elsewhere than runs, with credentials of their own. Those wait for whoever sends later.
        """
        if entry.do not in ARTIFACTS:
            self._send(run, entry)
            return True
        if self._stores_artifacts:
            try:
                self._send(run, entry)
            except Exception as error:
                if not self._answers():
                    raise
                self._stores_artifacts, self._is_new = False, False
                log.warning(
                    "tracking: the tracker answers, and artifacts cannot be stored (%s); they wait in %s",
                    first_line(error),
                    self._journal.folder,
                )
        return self._stores_artifacts

    def _answers(self) -> bool:
        assert self._journal.run_id is not None
        try:
            return self._line.store().has(self._journal.run_id)
        except Exception as error:  # noqa: BLE001  # a tracker raises whatever its store raises
            log.debug("tracking: %s", error)
            return False

    def _open(self, store: RunStore) -> StoredRun:
        if self._run is not None:
            return self._run
        header = self._journal.header
        if self._journal.run_id is None:
            found = None if self._is_new else store.find(header.key)
            self._journal.note_run(found or self._made(store))
        assert self._journal.run_id is not None
        if not self._is_new:
            self._look_for(store, self._journal.run_id)
        self._run = store.run(self._journal.run_id)
        return self._run

    def _made(self, store: RunStore) -> str:
        header = self._journal.header
        parent = header.parent
        if parent is not None and parent.startswith(QUEUED):
            parent = store.find(parent.removeprefix(QUEUED))
            if parent is None:
                raise NoParent("the sweep's own run is not in the tracker yet")
        tags = {**header.tags, KEY_TAG: header.key}
        return store.create(header.name, tags, parent_run_id=parent, began_ms=header.began_ms)

    def _look_for(self, store: RunStore, run_id: str) -> None:
        if not self._gone and not store.has(run_id):
            self._gone = True
            log.warning(
                "tracking: run %s was deleted in MLflow; what was for it is in %s", run_id, self._journal.folder
            )

    def _send(self, run: StoredRun, entry: JournalEntry) -> None:
        if self._gone:
            self._journal.set_aside(entry.do, entry.values, "the run was deleted")
            return
        if entry.do not in BY_ROWS:
            self._try(run, entry.do, dict(entry.values))
        elif rows := list(entry.values["rows"]):
            self._try(run, entry.do, {"rows": rows})

    def _try(self, run: StoredRun, do: str, values: dict[str, Any]) -> None:
        """Send an entry; of rows that were refused together, those that can be taken."""
        try:
            self._do(run, do, values)
        except Exception as error:
            if not is_refusal(error):
                raise
            assert self._journal.run_id is not None
            self._look_for(self._line.store(), self._journal.run_id)
            rows = values.get("rows", [])
            if self._gone or len(rows) < 2:
                self._refused(do, values, error)
                return
            for part in (rows[: len(rows) // 2], rows[len(rows) // 2 :]):
                self._try(run, do, {"rows": part})

    def _refused(self, do: str, values: dict[str, Any], error: Exception) -> None:
        self._journal.set_aside(do, values, str(error))
        if not self._gone:
            rows = values.get("rows")
            name = rows[0][0] if rows else values.get("file") or values.get("name") or values.get("kept") or do
            log.warning(
                "tracking: MLflow refuses %s %s (%s); it is kept in %s",
                do,
                name,
                first_line(error),
                self._journal.folder,
            )

    def _do(self, run: StoredRun, do: str, values: Mapping[str, Any]) -> None:
        values = dict(values)
        kept = self._journal.folder / values.pop("kept") if "kept" in values else None
        match do:
            case "points" | "finals":
                self._write(run, [MetricPoint(*row) for row in values["rows"]], is_final=do == "finals")
            case "params":
                run.log_params(dict(values["rows"]))
            case "tags":
                run.set_tags(dict(values["rows"]))
            case "text":
                run.log_text(values["text"], values["file"])
            case "file":
                assert kept is not None
                run.log_file(kept)
            case "folder":
                assert kept is not None
                run.log_folder(kept, values["name"])
            case "data":
                run.log_data([TrackedSplit(**split) for split in values["splits"]])
            case "experiment_tag":
                run.tag_experiment(values["key"], values["value"])
            case "reopen":
                run.reopen()
            case "end":
                run.end(**values)

    def _write(self, run: StoredRun, points: list[MetricPoint], *, is_final: bool) -> None:
        """Points that the run does not have: over the training one for each step, final values one for each time."""
        if not self._is_new:
            for key in {point.key for point in points} - self._times.keys():
                self._times[key] = run.times(key)
            points = [point for point in points if not self._has(point, is_final=is_final)]
        if not points:
            return
        run.write(points)
        if not self._is_new:
            for point in points:
                self._times[point.key].setdefault(point.step, set()).add(point.timestamp_ms)

    def _has(self, point: MetricPoint, *, is_final: bool) -> bool:
        times = self._times[point.key].get(point.step, set())
        return point.timestamp_ms in times if is_final else bool(times)
