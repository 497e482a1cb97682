"""A run in the tracker, written off the training thread, so that neither a step nor the next trial waits for it."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import Generic, Protocol, Self, TypeVar

from slimtune.training.tracking.run import MetricPoint

log = logging.getLogger(__name__)

FLUSH_POINTS = 200
FLUSH_SECONDS = 5.0
# the UI's compare page takes the metric that was logged first, so the first points wait for this one
LEAD, LEAD_SECONDS = "objective", 60.0
QUIET_SECONDS = 1.0


class Quiet:
    """Holds all reporters of a worker back for a moment: their work would slow down the next trial's start.

    Training leaves the interpreter to other threads most of the time; building a model does not.
    """

    def __init__(self) -> None:
        self._over = threading.Event()
        self._over.set()

    def begin(self) -> None:
        """Let reporters wait."""
        self._over.clear()

    def end(self) -> None:
        """Let reporters work."""
        self._over.set()

    def wait(self) -> None:
        """Until it is over, but not for long: whoever began it may be waiting too."""
        self._over.wait(QUIET_SECONDS)


class MetricSink(Protocol):
    """Where points and tags go; any exception means that they were not stored."""

    def log_points(self, points: list[MetricPoint]) -> None: ...

    def set_tags(self, tags: Mapping[str, str]) -> None: ...


SinkT = TypeVar("SinkT", bound=MetricSink)


class Reporter(Generic[SinkT]):
    """Opens, writes and closes one run from a thread of its own, in the order of the calls.

    Points are buffered. What a run cannot write down costs neither the trial nor the sweep.

    Args:
        open_run: Gives the run; called on the thread.
        quiet: When to hold back; None never does.
    """

    def __init__(self, open_run: Callable[[], SinkT], quiet: Quiet | None = None) -> None:
        self._open_run = open_run
        self._quiet = quiet or Quiet()
        self._sink: SinkT | None = None
        self._opened = threading.Event()
        self._queue: queue.Queue[list[MetricPoint] | _Job[SinkT]] = queue.Queue()
        self._thread = threading.Thread(target=self._write, name="metrics", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
        self.join()

    def metrics(self, examples_seen: int, values: Mapping[str, float]) -> None:
        """Queue values at this many training examples."""
        now = int(time.time() * 1000)
        self._queue.put([MetricPoint(key, value, examples_seen, now) for key, value in values.items()])

    def tags(self, tags: Mapping[str, str]) -> None:
        """Queue tags of the run."""
        self.write(lambda sink: sink.set_tags(tags))

    def write(self, work: Callable[[SinkT], None]) -> None:
        """Queue anything else for the run."""
        self._queue.put(_Job(work, last=False))

    def close(self, work: Callable[[SinkT], None] | None = None) -> None:
        """Write all that waits, then do the last work; `join` waits for it."""
        self._queue.put(_Job(work or _nothing, last=True))

    def wait_until_open(self) -> None:
        """Until the run is there, or the tracker has refused it."""
        self._opened.wait()

    def join(self) -> None:
        """Until everything is written."""
        self._thread.join()

    def _write(self) -> None:
        self._quiet.wait()
        try:
            self._sink = self._open_run()
        except Exception as error:  # noqa: BLE001  # the tracker raises whatever its store raises
            log.warning("tracking: no run was opened (%s)", error)
        self._opened.set()
        waiting: list[MetricPoint] = []
        led = False
        started = flushed_at = time.monotonic()
        while True:
            timeout = max(0.0, flushed_at + FLUSH_SECONDS - time.monotonic())
            item: list[MetricPoint] | _Job[SinkT] | None
            try:
                item = self._queue.get(timeout=timeout)
            except queue.Empty:
                item = None
            self._quiet.wait()
            if isinstance(item, _Job):
                if item.last:
                    self._give_up(self._send(waiting))
                self._do(item)
                if item.last:
                    return
                continue
            waiting += item or []
            led = led or time.monotonic() - started >= LEAD_SECONDS or any(point.key == LEAD for point in waiting)
            due = len(waiting) >= FLUSH_POINTS or time.monotonic() - flushed_at >= FLUSH_SECONDS
            if due and led:
                waiting = self._send(waiting)
            if due or not led:
                flushed_at = time.monotonic()

    def _do(self, job: "_Job[SinkT]") -> None:
        if self._sink is None:
            return
        try:
            job.work(self._sink)
        except Exception as error:  # noqa: BLE001  # as above
            log.warning("tracking: something was not written (%s)", error)

    def _send(self, points: list[MetricPoint]) -> list[MetricPoint]:
        """Try to store the points, the objective first; what could not be stored."""
        if not points or self._sink is None:
            return points
        try:
            self._sink.log_points(sorted(points, key=lambda point: point.key != LEAD))
        except Exception as error:  # noqa: BLE001  # a tracker that is down must not cost the training
            log.warning("tracking: %d metric points wait (%s)", len(points), error)
            return points
        return []

    def _give_up(self, points: list[MetricPoint]) -> None:
        if points:
            log.error("tracking: %d metric points could not be written", len(points))


class _Job(Generic[SinkT]):
    def __init__(self, work: Callable[[SinkT], None], *, last: bool) -> None:
        self.work, self.last = work, last


def _nothing(_: MetricSink) -> None:
    pass
