"""A GPU a worker, with devices that nobody has."""

import multiprocessing
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from slimtune.sweeper.search.launchers import gpus, origin
from slimtune.sweeper.search.launchers.gpus import VISIBLE, gpus_each, take_gpus, visible_gpus
from slimtune.sweeper.search.launchers.origin import Origin, settle


@pytest.fixture(autouse=True)
def own_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """As a process that has no GPU yet, with locks of its own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv(VISIBLE, "all of them")
    with another_worker(monkeypatch):
        yield


@contextmanager
def another_worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Another process, as far as devices are concerned; those that it took are free after it."""
    with monkeypatch.context() as patch:
        patch.setattr(gpus, "_held", held := [])
        yield
    for lock in held:
        lock.release()


def take(devices: tuple[str, ...], *, each: int = 1, index: int = 0) -> str:
    take_gpus(devices, each=each, index=index)
    return os.environ[VISIBLE]


@pytest.mark.parametrize(("listed", "found"), [("0,1", "01"), (" 3 , 1", "31"), ("0,-1,1", "0"), ("-1", ""), ("", "")])
def test_what_is_visible_is_divided(listed: str, found: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As CUDA reads the list."""
    monkeypatch.setenv(VISIBLE, listed)
    assert visible_gpus() == tuple(found)


def test_a_machine_without_a_driver_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VISIBLE)
    monkeypatch.setattr(gpus, "DRIVERS", ("/dev/no such",))
    assert visible_gpus() == ()


def test_each_worker_takes_one_that_no_other_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever number it has: a launcher may use an old process for the first one."""
    assert take(("a", "b", "c"), index=1) == "b"
    with another_worker(monkeypatch):
        assert take(("a", "b", "c"), index=1) == "c"
        with another_worker(monkeypatch):
            assert take(("a", "b", "c"), index=0) == "a"
            with another_worker(monkeypatch):
                assert take(("a", "b", "c"), index=5) == "c", "all are taken"
    with another_worker(monkeypatch):
        assert take(("a", "b", "c"), index=2) == "c", "its worker has ended"


def test_a_process_keeps_its_device() -> None:
    """CUDA has begun with it."""
    assert take(("a", "b"), index=0) == "a"
    assert take(("a", "b"), index=1) == "a"


def test_a_trial_on_two_devices_has_two(monkeypatch: pytest.MonkeyPatch) -> None:
    devices = ("0", "1", "2", "3", "4")
    assert take(devices, each=2, index=1) == "2,3"
    with another_worker(monkeypatch):
        assert take(devices, each=2, index=3) == "0,1"


def test_too_few_devices_are_left_to_the_trial_which_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    assert take(("0",), each=2) == "all of them"


def test_a_device_is_free_when_its_process_has_died() -> None:
    """However it died."""
    context = multiprocessing.get_context("fork")
    process = context.Process(target=lambda: (take_gpus(("a", "b"), each=1, index=0), os.kill(os.getpid(), 9)))
    process.start()
    process.join()
    assert process.exitcode == -9
    assert take(("a", "b"), index=0) == "a"


@pytest.mark.parametrize(
    ("device", "devices", "each"), [("auto", 1, 1), ("cuda", 2, 2), ("cuda:1", 1, 0), ("cpu", 1, 0)]
)
def test_a_config_that_names_its_device_keeps_it(device: str, devices: int, each: int) -> None:
    assert gpus_each(OmegaConf.create({"fit": {"device": device, "devices": devices}})) == each


def test_what_a_scheduler_has_given_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slurm and Ray set the variable themselves; so does a worker in the launching process see what that sees."""
    launch = Origin(process="elsewhere", machine="", gpus=("0", "1"))
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "2")
    settle(launch, num_workers=2, gpus_each=1, index=0)
    assert os.environ[VISIBLE] == "all of them"
    monkeypatch.delenv("SLURM_JOB_ID")
    settle(launch._replace(process=origin.launching_process()), num_workers=2, gpus_each=1, index=0)
    assert os.environ[VISIBLE] == "all of them"
    settle(launch, num_workers=2, gpus_each=1, index=1)
    assert os.environ[VISIBLE] == "1"
