"""When a worker last did something for the trials that it has."""

import time


class Heartbeat:
    """Kept by the thread that trains, read by the one that watches."""

    def __init__(self) -> None:
        self._began: dict[int, float] = {}
        self._last = time.monotonic()

    def began(self, number: int) -> None:
        """The worker has this trial from now on."""
        self._began[number] = time.monotonic()
        self.beat()

    def ended(self, number: int) -> None:
        """It has it no longer."""
        self._began.pop(number, None)
        self.beat()

    def beat(self) -> None:
        """One of its trials has made a step."""
        self._last = time.monotonic()

    def trials(self) -> list[int]:
        """Those that it has, in the order in which they began."""
        return list(self._began)

    def quiet_seconds(self) -> float:
        """Since the last step; 0 without a trial, which is no reason to worry."""
        return time.monotonic() - self._last if self._began else 0.0

    def seconds(self, number: int) -> float:
        """How long it has had a trial; 0 for one that it has not."""
        began = self._began.get(number)
        return 0.0 if began is None else time.monotonic() - began
