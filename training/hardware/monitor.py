"""What a trial takes of the machine: memory, cores and the GPU, sampled once a second by one thread of the worker."""

import logging
import threading
import weakref
from collections.abc import Sequence
from typing import NamedTuple

import psutil
import torch

SAMPLE_SECONDS = 1.0
MB = 1e6

log = logging.getLogger(__name__)


class Sample(NamedTuple):
    """Of the whole worker: trials that share passes share it.

    Attributes:
        cpu_percent: Of one core; two busy ones are 200.
        memory_mb: Resident memory in 10^6 bytes.
        gpu_memory_mb: Allocated by PyTorch on all GPUs, at most since the sample before; None without one.
        gpu_percent: Busy share of the GPU; None where the driver does not tell.
    """

    cpu_percent: float
    memory_mb: float
    gpu_memory_mb: float | None = None
    gpu_percent: float | None = None


class Usage:
    """What was sampled for one trial: since its beginning, and since the last look."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._peaks: dict[str, float] = {}
        self._window: list[Sample] = []

    def add(self, sample: Sample) -> None:
        """Take a sample in."""
        with self._lock:
            self._window.append(sample)
            for name in ("memory_mb", "gpu_memory_mb"):
                value = getattr(sample, name)
                if value is not None:
                    self._peaks[name] = max(value, self._peaks.get(name, 0.0))

    def look(self) -> dict[str, float]:
        """Mean load and highest memory since the last look; nothing if there was no sample."""
        with self._lock:
            window, self._window = self._window, []
        if not window:
            return {}
        shown = {
            "system/cpu_percent": sum(sample.cpu_percent for sample in window) / len(window),
            "system/memory_mb": max(sample.memory_mb for sample in window),
        }
        memory = [sample.gpu_memory_mb for sample in window if sample.gpu_memory_mb is not None]
        busy = [sample.gpu_percent for sample in window if sample.gpu_percent is not None]
        if memory:
            shown["system/gpu_memory_mb"] = max(memory)
        if busy:
            shown["system/gpu_percent"] = sum(busy) / len(busy)
        return shown

    def peaks(self) -> dict[str, float]:
        """Highest memory since the trial began, as final metrics."""
        with self._lock:
            return {f"fit/peak_{name}": value for name, value in self._peaks.items()}


class Watch:
    """Samples this process for whoever follows it."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        # the first call of psutil's only begins to count
        self._process.cpu_percent()
        self._followers: weakref.WeakSet[Usage] = weakref.WeakSet()
        self._tells_load = True
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def follow(self) -> Usage:
        """What is sampled from now on, as long as somebody holds it."""
        usage = Usage()
        usage.add(self.sample())
        self._followers.add(usage)
        return usage

    def _run(self) -> None:
        wait = threading.Event()
        while not wait.wait(SAMPLE_SECONDS):
            followers = list(self._followers)
            if followers:
                sample = self.sample()
                for usage in followers:
                    usage.add(sample)

    def sample(self) -> Sample:
        """The process as it is now."""
        cpu, memory = self._process.cpu_percent(), self._process.memory_info().rss / MB
        if not torch.cuda.is_available() or not torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            return Sample(cpu, memory)
        allocated = [torch.cuda.max_memory_allocated(index) / MB for index in range(torch.cuda.device_count())]
        for index in range(len(allocated)):
            torch.cuda.reset_peak_memory_stats(index)
        # of those that this process computes on
        used = [index for index, one in enumerate(allocated) if one > 0]
        return Sample(cpu, memory, sum(allocated), self._gpu_percent(used))

    def _gpu_percent(self, used: Sequence[int]) -> float | None:
        if not self._tells_load or not used:
            return None
        try:
            return sum(float(torch.cuda.utilization(index)) for index in used) / len(used)
        except Exception as error:  # noqa: BLE001  # NVML's errors have no common base, and a figure is not worth a trial
            self._tells_load = False
            log.info("the load of the GPU is not logged: %s", error)
            return None


_watch: Watch | None = None


def follow() -> Usage:
    """Follow this process; its thread begins with the first follower."""
    global _watch  # one thread for all trials of a worker
    if _watch is None:
        _watch = Watch()
    return _watch.follow()
