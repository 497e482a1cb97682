"""What is left to a worker by a scheduler."""

import os
import sys
from types import SimpleNamespace

import joblib
import pytest

from slimtune.sweeper.search.launchers.allotment import SLURM_CORES, SLURM_JOB, allotment
from slimtune.sweeper.search.launchers.origin import Origin, Share, origin_of, settle
from slimtune.training.hardware.threads import MAX_CORES, at_most


@pytest.fixture(autouse=True)
def no_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "ray", raising=False)
    for name in (SLURM_JOB, *SLURM_CORES, MAX_CORES):
        # set first, so that what a test sets is gone after it
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def in_job(monkeypatch: pytest.MonkeyPatch, number: str, **environment: str) -> None:
    monkeypatch.setenv(SLURM_JOB, number)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


def in_task(monkeypatch: pytest.MonkeyPatch, task: str | None, **assigned: float) -> None:
    context = SimpleNamespace(get_task_id=lambda: task, get_assigned_resources=lambda: assigned)
    ray = SimpleNamespace(
        is_initialized=lambda: True, get_runtime_context=lambda: context, cluster_resources=lambda: {"GPU": 8.0}
    )
    monkeypatch.setitem(sys.modules, "ray", ray)


def settled(origin: Origin, *, gpus_each: int = 0) -> Share:
    return settle(origin, num_workers=4, gpus_each=gpus_each, index=0)


def test_workers_of_one_machine_share_its_cores() -> None:
    assert allotment() == (None, None, False)
    assert settled(origin_of(4)) == Share(4, None)


def test_workers_take_what_other_processes_leave_of_the_launching_machine_alone() -> None:
    assert settled(origin_of(4, cores=3)) == Share(4, 3)
    assert settled(origin_of(4, cores=3)._replace(machine="another")) == Share(4, None)


def test_a_job_of_slurm_has_its_own_cores_whatever_is_launched_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four jobs on four machines do not share anything."""
    origin = origin_of(4)
    in_job(monkeypatch, "7", SLURM_CPUS_ON_NODE="16", SLURM_CPUS_PER_TASK="1")
    share = settled(origin)
    assert share == Share(1, 1)
    with at_most(share.cores):
        assert joblib.cpu_count(only_physical_cores=True) == 1
    assert MAX_CORES not in os.environ


def test_workers_within_one_job_share_its_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of joblib in a job that somebody has submitted by hand."""
    in_job(monkeypatch, "7", SLURM_CPUS_ON_NODE="16")
    assert settled(origin_of(4, cores=40)) == Share(4, 16)


def test_a_task_of_ray_has_the_cores_that_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in a cluster that lies within a job of Slurm, and where it was given less than one."""
    in_job(monkeypatch, "7", SLURM_CPUS_ON_NODE="16")
    in_task(monkeypatch, None)
    origin = origin_of(4)
    assert origin.allotment == "slurm job 7"
    for task, given, cores in (("a", 3.0, 3), ("b", 0.5, 1)):
        in_task(monkeypatch, task, CPU=given)
        assert settled(origin) == Share(1, cores)


def test_a_worker_that_ray_gives_no_gpu_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Ray hides them from it, and it would train on the processor in silence."""
    in_task(monkeypatch, "a", CPU=1.0, GPU=1.0)
    settled(Origin(), gpus_each=1)
    in_task(monkeypatch, "a", CPU=1.0)
    settled(Origin(), gpus_each=0)
    assert caplog.text == ""
    settled(Origin(), gpus_each=1)
    assert "take hydra/launcher=ray_gpu" in caplog.text


def test_a_number_of_cores_that_a_person_has_set_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MAX_CORES, "3")
    with at_most(16):
        assert os.environ[MAX_CORES] == "3"
    assert os.environ[MAX_CORES] == "3"
