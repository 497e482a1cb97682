"""Launches of workers that go on beside the process that watches the search."""

import threading
import time
from collections.abc import Callable


class Launches:
    """Begins launches, each in a thread of its own.

    They are daemons: a launcher may wait for a worker that will never answer, e.g. where Slurm keeps no accounts.

    Args:
        launch: Launches workers with these numbers, and returns when they have ended.
    """

    def __init__(self, launch: Callable[[range], None]) -> None:
        self._launch = launch
        self._threads: list[threading.Thread] = []
        self._errors: list[Exception] = []
        self._num_begun = 0

    @property
    def are_under_way(self) -> bool:
        """Whether a launcher waits for workers."""
        return any(thread.is_alive() for thread in self._threads)

    def begin(self, num_workers: int) -> None:
        """Launch so many workers more; their numbers follow those before."""
        indices = range(self._num_begun, self._num_begun + num_workers)
        self._num_begun = indices.stop
        thread = threading.Thread(target=self._run, args=(indices,), name=f"launch of {len(indices)}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def wait(self, seconds: float) -> None:
        """Until all are over, at most so long."""
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def raise_errors(self) -> None:
        """What went wrong in one of them, if anything did."""
        if self._errors:
            raise self._errors[0]

    def _run(self, indices: range) -> None:
        try:
            self._launch(indices)
        except Exception as error:  # noqa: BLE001  # told by the thread that watches
            self._errors.append(error)
