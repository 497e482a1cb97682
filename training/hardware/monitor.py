"""What a trial takes of the machine: memory, cores and the GPU, sampled once a second by one thread of the worker."""

import logging
import threading
import weakref
from collections.abc import Sequence
from typing import NamedTuple

import psutil
import torch

from slimtune.training.hardware.memory import MB

SAMPLE_SECONDS = 1.0

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
        self._since_look: list[Sample] = []

    def add(self, sample: Sample) -> None:
        """Take a sample in."""
        with self._lock:
            self._since_look.append(sample)
            for name in ("memory_mb", "gpu_memory_mb"):
                value = getattr(sample, name)
                if value is not None:
                    self._peaks[name] = max(value, self._peaks.get(name, 0.0))

    def look(self) -> dict[str, float]:
        """Mean load and highest memory since the last look; nothing if there was no sample."""
        with self._lock:
            samples, self._since_look = self._since_look, []
        if not samples:
            return {}
        shown = {
            "system/cpu_percent": sum(sample.cpu_percent for sample in samples) / len(samples),
            "system/memory_mb": max(sample.memory_mb for sample in samples),
        }
        memory = [sample.gpu_memory_mb for sample in samples if sample.gpu_memory_mb is not None]
        busy = [sample.gpu_percent for sample in samples if sample.gpu_percent is not None]
        if memory:
            shown["system/gpu_memory_mb"] = max(memory)
        if busy:
            shown["system/gpu_percent"] = sum(busy) / len(busy)
        return shown

    def peaks(self) -> dict[str, float]:
        """Highest memory since the trial began, as final metrics."""
        with self._lock:
            return {f"fit/peak_{name}": value for name, value in self._peaks.items()}


class ResourceMonitor:
    """Samples this process for whoever follows it; its thread begins with the first follower and ends with `close`."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        # the first call of psutil's only begins to count
        self._process.cpu_percent()
        self._followers: weakref.WeakSet[Usage] = weakref.WeakSet()
        self._tells_load = True
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def follow(self) -> Usage:
        """What is sampled from now on, as long as somebody holds it."""
        usage = Usage()
        usage.add(self.sample())
        self._followers.add(usage)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="monitor", daemon=True)
            self._thread.start()
        return usage

    def close(self) -> None:
        """Sample no more."""
        self._closed.set()

    def _run(self) -> None:
        while not self._closed.wait(SAMPLE_SECONDS):
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
            log.info("the load of the GPU is not logged: %s; pip install 'slimtune[gpu]' brings what tells it", error)
            return None
