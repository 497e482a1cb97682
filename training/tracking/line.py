"""The way to one experiment of a tracker, which may be away: told once, tried again later, never waited for."""

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from slimtune.training.errors import StoreError
from slimtune.training.tracking.run import MetricPoint, TrackedSplit
from slimtune.training.tracking.uri import without_password, without_secrets

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 10.0, 120.0
# what MLflow answers to what it will never take; anything else may be different later, as an expired token
REFUSALS = {
    "BAD_REQUEST",
    "INVALID_PARAMETER_VALUE",
    "INVALID_STATE",
    "MALFORMED_REQUEST",
    "RESOURCE_ALREADY_EXISTS",
    "RESOURCE_DOES_NOT_EXIST",
}


class TrackerAway(StoreError):
    """A tracker does not answer."""


class StoredRun(Protocol):
    """A run as the tracker has it; anything that it raises means that nothing, or not all, was taken."""

    def times(self, key: str) -> dict[int, set[int]]:
        """The steps at which a metric was logged, and when."""

    def write(self, points: list[MetricPoint]) -> None: ...

    def log_params(self, params: Mapping[str, Any]) -> None: ...

    def set_tags(self, tags: Mapping[str, str]) -> None: ...

    def log_text(self, text: str, file: str) -> None: ...

    def log_file(self, path: Path) -> None: ...

    def log_folder(self, folder: Path, name: str) -> None: ...

    def log_data(self, splits: Sequence[TrackedSplit]) -> None: ...

    def tag_experiment(self, key: str, value: str) -> None: ...

    def reopen(self) -> None: ...

    def end(self, *, state: str, failed: bool = False, at_ms: int | None = None) -> None: ...


class RunStore(Protocol):
    """An experiment of a tracker, as far as runs are sent to it."""

    def find(self, key: str) -> str | None:
        """The run that was made under a key."""

    def create(
        self, name: str, tags: Mapping[str, str], *, parent_run_id: str | None, began_ms: int | None = None
    ) -> str: ...

    def has(self, run_id: str) -> bool:
        """Whether a run is there, and not deleted."""

    def run(self, run_id: str) -> StoredRun: ...


AnswerT = TypeVar("AnswerT")


class Line:
    """The way to an experiment.

    Args:
        uri: The tracker's.
        experiment: Its name.
        connect: Opens it.
        online: Whether anything is sent.
        probe: Says in a moment why the tracker is away; its own client would wait for an answer.
    """

    def __init__(
        self,
        uri: str,
        experiment: str,
        connect: Callable[[], RunStore],
        *,
        online: bool = True,
        probe: Callable[[], str | None] | None = None,
    ) -> None:
        self._probe = probe
        self.uri, self.experiment, self._connect, self._online = uri, experiment, connect, online
        self._store: RunStore | None = None
        self._lock = threading.Lock()
        self._num_failures = 0
        self._again_at = 0.0
        # why nothing can be sent, while that is so
        self.why: str | None = None

    def is_ready(self) -> bool:
        """Whether it is worth trying; of a tracker that was away, whether somebody answers at its address."""
        if not self._online or time.monotonic() < self._again_at:
            return False
        if self._num_failures and self._probe is not None and (why := self._probe()) is not None:
            self.lost(TrackerAway(why))
            return False
        return True

    def store(self) -> RunStore:
        """The experiment, which is opened when it is first needed; raises whatever the tracker raises."""
        with self._lock:
            if self._store is None:
                self._store = self._connect()
            return self._store

    def ask(self, question: Callable[[RunStore], AnswerT]) -> AnswerT | None:
        """What the tracker answers; None while it is away."""
        if not self.is_ready():
            return None
        try:
            answer = question(self.store())
        except Exception as error:  # noqa: BLE001  # a tracker raises whatever its store raises
            self.lost(error)
            return None
        self.found()
        return answer

    def lacks(self, run_id: str | None) -> bool:
        """Whether the tracker answers that it has no such run, or no more; of an id that is known."""
        return run_id is not None and self.ask(lambda store: store.has(run_id)) is False

    def lost(self, error: Exception) -> None:
        """The tracker did not take something: told once, until it answers again."""
        self.why = first_line(error, self.uri)
        if self._num_failures == 0:
            log.warning(
                "tracking: %s takes nothing now, so all waits on disk and is sent later (%s)",
                without_password(self.uri),
                self.why,
            )
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0**self._num_failures)
        self._num_failures = min(self._num_failures + 1, 10)
        self._again_at = time.monotonic() + pause

    def found(self) -> None:
        """The tracker took something."""
        if self._num_failures:
            log.warning("tracking: %s answers again", without_password(self.uri))
        self._num_failures, self._again_at, self.why = 0, 0.0, None


def is_refusal(error: Exception) -> bool:
    """Whether a tracker will never take what it was sent."""
    if isinstance(error, OSError | json.JSONDecodeError):
        return False
    code = getattr(error, "error_code", None)
    return code in REFUSALS if isinstance(code, str) else isinstance(error, ValueError | TypeError)


def is_not_there(error: Exception) -> bool:
    """Whether a tracker says that there is no such thing, or that nothing can be called that."""
    return getattr(error, "error_code", None) in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")


def is_outage(error: Exception) -> bool:
    """Whether an error tells of a tracker that is away: an answer that may be different later, or none."""
    if isinstance(error, OSError | TrackerAway):
        return True
    return isinstance(getattr(error, "error_code", None), str) and not is_refusal(error)


def first_line(error: Exception, uri: str = "") -> str:
    """What an error says, in short, and without the password of a URL.

    Args:
        error: What a tracker, or its database's driver, raised.
        uri: The tracker's, where it is known.
    """
    lines = without_secrets(str(error), uri).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
