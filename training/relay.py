"""A trial told through a pipe, from the process that trains it to the worker that has it from the search."""

from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from training.trial import Lineage, Outcome, Verdict


class Message(NamedTuple):
    """A call of the trial's protocol.

    Attributes:
        kind: `began`, `report` (which is answered), or `finish`.
        values: Its arguments.
    """

    kind: str
    values: tuple[Any, ...]


class Given(NamedTuple):
    """What a process needs to know of a trial."""

    config: Mapping[str, Any]
    lineage: Lineage
    number: int


class RelayedTrial:
    """Implements `training.trial.Trial` where it is trained; without a pipe it is silent, as in all ranks but one."""

    def __init__(self, given: Given, connection: Connection | None) -> None:
        self.config, self.lineage, self.number = given
        self._connection = connection

    def began(self, run_id: str | None) -> None:
        """Tell under which run the trial is tracked."""
        self._send("began", run_id)

    def report(self, examples_seen: int, metrics: Mapping[str, float]) -> Verdict:
        """Hand over an evaluation and wait for the answer."""
        if self._connection is None:
            return Verdict(stop=False)
        self._send("report", examples_seen, dict(metrics))
        verdict: Verdict = self._connection.recv()
        return verdict

    def finish(self, outcome: Outcome) -> None:
        """End the trial."""
        self._send("finish", outcome)

    def _send(self, kind: str, *values: Any) -> None:
        if self._connection is not None:
            self._connection.send(Message(kind, values))
