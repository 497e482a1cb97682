"""What other processes take of the cores that this one may use."""

import time
from typing import NamedTuple

import psutil

# less says more of chance than of load
MIN_SECONDS = 0.5


class _Moment(NamedTuple):
    """Seconds so far.

    Attributes:
        clock: Of a clock.
        busy: That the cores were busy, together.
        own: Of that for this process and its children.
    """

    clock: float
    busy: float
    own: float


class OthersLoad:
    """How busy other processes keep the cores, from when this is made."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._began = self._now()

    @property
    def capacity(self) -> float:
        """Physical cores that this process may be put on, also where a quota gives it less of their time."""
        return len(self._places(psutil.cpu_count() or 1)) * self._share()

    def cores(self) -> float:
        """How many physical cores they have used on average; at least half a second is looked at, and slept through."""
        time.sleep(max(0.0, MIN_SECONDS - (time.monotonic() - self._began.clock)))
        now = self._now()
        others = (now.busy - self._began.busy) - (now.own - self._began.own)
        return max(0.0, others / (now.clock - self._began.clock)) * self._share()

    def _share(self) -> float:
        """Of a physical core in each that the system counts: with hyperthreads half of one."""
        every = psutil.cpu_count() or 1
        return (psutil.cpu_count(logical=False) or every) / every

    def _places(self, every: int) -> list[int]:
        """Where the system tells which ones are this process' own, these; else all."""
        mine = self._process.cpu_affinity() if hasattr(self._process, "cpu_affinity") else range(every)
        return [one for one in mine if one < every]

    def _now(self) -> _Moment:
        return _Moment(time.monotonic(), self._busy(), self._own())

    def _busy(self) -> float:
        every = psutil.cpu_times(percpu=True)
        return float(sum(sum(every[one]) - _idle(every[one]) for one in self._places(len(every))))

    def _own(self) -> float:
        return sum(_used(one) for one in (self._process, *self._process.children(recursive=True)))


def _idle(times: "psutil._common.scputimes") -> float:
    # a guest's time is in a user's already
    return sum(getattr(times, name, 0.0) for name in ("idle", "iowait", "guest", "guest_nice"))


def _used(process: psutil.Process) -> float:
    """By it and by those of its children that have ended."""
    try:
        times = process.cpu_times()
    except psutil.Error:
        # it has ended since it was listed
        return 0.0
    return float(sum(getattr(times, name, 0.0) for name in ("user", "system", "children_user", "children_system")))
