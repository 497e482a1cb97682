"""A trial told through a pipe, from the process that trains it to the worker that has it from the search."""

import logging
import logging.handlers
import queue
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from slimtune.training.trial import Failed, Lineage, Outcome, Report, Verdict

PULSE_SECONDS = 1.0


class Message(NamedTuple):
    """A call of the trial's protocol.

    Attributes:
        kind: `began`, `resumed`, `report` and `pulse` (which are answered), `finish`, `log`, or `failed` of a rank
            that does not lead.
        values: Its arguments.
    """

    kind: str
    values: tuple[Any, ...]


class TrialSpec(NamedTuple):
    """What a process needs to know of a trial."""

    config: Mapping[str, Any]
    lineage: Lineage
    number: int


class TrialProxy:
    """Implements `slimtune.training.trial.Trial` where it is trained.

    Args:
        spec: The trial.
        connection: To the worker.
        silent: Tell nothing, as all ranks but the first.
    """

    def __init__(self, spec: TrialSpec, connection: Connection, *, silent: bool) -> None:
        self.config, self.lineage, self.number = spec
        self._connection, self._silent = connection, silent
        self._lock = threading.Lock()
        self._pulsed = time.monotonic()

    def began(self, run_id: str | None) -> None:
        """Tell under which run the trial is tracked."""
        self._send("began", run_id)

    def resumed(self, examples_seen: int, num_reports: int) -> None:
        """Tell where the trial goes on, before the reports until there are made again."""
        self._send("resumed", examples_seen, num_reports)

    def report(self, examples_seen: int, report: Report) -> Verdict:
        """Hand over an evaluation and wait for the answer."""
        if self._silent:
            return Verdict(stop=False)
        self._send("report", examples_seen, report)
        verdict: Verdict = self._connection.recv()
        return verdict

    def pulse(self) -> Failed | None:
        """Tell, not too often, that the trial makes steps; how it is to end now, if it is."""
        if self._silent or time.monotonic() - self._pulsed < PULSE_SECONDS:
            return None
        self._pulsed = time.monotonic()
        self._send("pulse")
        ending: Failed | None = self._connection.recv()
        return ending

    def finish(self, outcome: Outcome) -> None:
        """End the trial."""
        self._send("finish", outcome)

    def tell_failure(self, outcome: Failed) -> None:
        """Say why this process has ended, also if it is silent otherwise."""
        with self._lock:
            self._connection.send(Message("failed", (outcome,)))

    def log(self, record: logging.LogRecord) -> None:
        """Hand a line of the log over."""
        self._send("log", record)

    def _send(self, kind: str, *values: Any) -> None:
        if not self._silent:
            # the tracker's thread writes log lines too
            with self._lock:
                self._connection.send(Message(kind, values))


class PipeHandler(logging.handlers.QueueHandler):
    """Hands log lines to the worker, whose log they belong to."""

    def __init__(self, trial: TrialProxy) -> None:
        super().__init__(queue.SimpleQueue())
        self._trial = trial

    def enqueue(self, record: logging.LogRecord) -> None:
        """As the base says."""
        # a worker that is gone reads no log
        with suppress(OSError):
            self._trial.log(record)
