import time
from collections.abc import Iterator

import pytest

from slimtune.training.hardware.monitor import ResourceMonitor, Sample, Usage


def test_loads_are_means_and_memory_is_the_highest_since_the_last_look() -> None:
    usage = Usage()
    for sample in (Sample(100.0, 500.0, 10.0, 40.0), Sample(200.0, 700.0, 30.0, 60.0)):
        usage.add(sample)
    assert usage.look() == {
        "system/cpu_percent": 150.0,
        "system/memory_mb": 700.0,
        "system/gpu_memory_mb": 30.0,
        "system/gpu_percent": 50.0,
    }
    usage.add(Sample(50.0, 600.0))
    assert usage.look() == {"system/cpu_percent": 50.0, "system/memory_mb": 600.0}
    assert usage.look() == {}
    assert usage.peaks() == {"fit/peak_memory_mb": 700.0, "fit/peak_gpu_memory_mb": 30.0}


@pytest.fixture
def monitor() -> Iterator[ResourceMonitor]:
    made = ResourceMonitor()
    yield made
    made.close()


def test_who_follows_gets_samples_of_this_process(monitor: ResourceMonitor) -> None:
    """At once, and every second; a busy core shows."""
    usage = monitor.follow()
    first = usage.look()
    assert first["system/memory_mb"] > 50
    deadline = time.monotonic() + 120
    busy: dict[str, float] = {}
    while time.monotonic() < deadline and not busy:
        sum(range(100_000))
        busy = usage.look()
    assert busy["system/cpu_percent"] > 0


def test_who_is_gone_is_followed_no_more(monitor: ResourceMonitor) -> None:
    kept = monitor.follow()
    assert kept in monitor._followers
    del kept
    assert len(monitor._followers) == 0


def test_a_monitor_that_is_closed_ends_its_thread(monitor: ResourceMonitor) -> None:
    monitor.follow()
    assert monitor._thread is not None
    monitor.close()
    monitor._thread.join(5)
    assert not monitor._thread.is_alive()
