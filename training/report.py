"""A run's metrics, buffered and written off the training thread, so that a step never waits for the tracker."""

import json
import logging
import queue
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

log = logging.getLogger(__name__)

FLUSH_POINTS = 200
FLUSH_SECONDS = 5.0
# the UI's compare page takes the metric that was logged first, so the first points wait for this one
LEAD, LEAD_SECONDS = "objective", 60.0
UNSENT = "unsent_metrics.jsonl"


class Point(NamedTuple):
    """One value of one metric; `step` counts training examples."""

    key: str
    value: float
    step: int
    timestamp_ms: int


class MetricSink(Protocol):
    """Where points and tags go; any exception means that they were not stored."""

    def log_points(self, points: list[Point]) -> None: ...

    def set_tags(self, tags: Mapping[str, str]) -> None: ...


class Reporter:
    """Buffers points for one run; use it as a context, so that the last points are written whatever happens.

    Points that the tracker would not take, even at the end, are kept in `unsent_metrics.jsonl` in the trial's folder.
    """

    def __init__(self, sink: MetricSink, folder: Path) -> None:
        self._sink = sink
        self._folder = folder
        self._queue: queue.Queue[list[Point] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._write, name="metrics", daemon=True)

    def __enter__(self) -> "Reporter":
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._queue.put(None)
        self._thread.join()

    def metrics(self, examples_seen: int, values: Mapping[str, float]) -> None:
        """Queue values at this many training examples."""
        now = int(time.time() * 1000)
        self._queue.put([Point(key, value, examples_seen, now) for key, value in values.items()])

    def tags(self, tags: Mapping[str, str]) -> None:
        """Set tags of the run at once; a tracker that is down does not get them."""
        try:
            self._sink.set_tags(tags)
        except Exception as error:  # noqa: BLE001  # it must not cost the training
            log.warning("tracking: tags were not set (%s)", error)

    def _write(self) -> None:
        waiting: list[Point] = []
        led = False
        started = flushed_at = time.monotonic()
        while True:
            timeout = max(0.0, flushed_at + FLUSH_SECONDS - time.monotonic())
            try:
                points = self._queue.get(timeout=timeout)
            except queue.Empty:
                points = []
            waiting += points or []
            led = led or time.monotonic() - started >= LEAD_SECONDS or any(point.key == LEAD for point in waiting)
            if not led and points is not None:
                flushed_at = time.monotonic()
                continue
            due = len(waiting) >= FLUSH_POINTS or time.monotonic() - flushed_at >= FLUSH_SECONDS
            if points is None or due:
                waiting = self._send(sorted(waiting, key=lambda point: point.key != LEAD))
                flushed_at = time.monotonic()
            if points is None:
                self._keep(waiting)
                return

    def _send(self, points: list[Point]) -> list[Point]:
        """Try to store the points; what could not be stored."""
        if not points:
            return []
        try:
            self._sink.log_points(points)
        except Exception as error:  # noqa: BLE001  # a tracker that is down must not cost the training
            log.warning("tracking: %d metric points wait (%s)", len(points), error)
            return points
        return []

    def _keep(self, points: list[Point]) -> None:
        if not points:
            return
        path = self._folder / UNSENT
        with path.open("a", encoding="utf-8") as lines:
            lines.writelines(json.dumps(point._asdict()) + "\n" for point in points)
        log.error("tracking: the tracker took no metrics; %d points are kept in %s", len(points), path)
