from typing import Any

import pytest
import torch

from slimtune.sweeper.doctor import machine as looked_at
from slimtune.sweeper.doctor.finding import Finding, Grade
from slimtune.sweeper.doctor.machine import machine
from slimtune.training.hardware import memory


class Load:
    """Others' load, as told."""

    def __init__(self, cores: float = 0.0) -> None:
        self._cores = cores

    def cores(self) -> float:
        return self._cores


def found(cores: float = 0.0) -> dict[str, Finding]:
    load: Any = Load(cores)
    return {one.name: one for one in machine(load)}


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU as torch tells of it."""
    for name, told in (
        ("is_available", True),
        ("device_count", 1),
        ("mem_get_info", (70_000_000_000, 80_000_000_000)),
        ("get_device_name", "NVIDIA H200"),
        ("is_bf16_supported", True),
    ):
        monkeypatch.setattr(torch.cuda, name, lambda *_, told=told, **__: told)


def test_a_gpu_is_told_with_its_memory_and_precision(gpu: None) -> None:
    told = found()
    assert told["GPU 0"].told == "NVIDIA H200, 70.0 of 80.0 GB free, computes in bf16"
    assert told["fit.precision=auto"].told.startswith("bf16")


def test_a_build_for_gpus_that_sees_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    one = found()["GPU"]
    assert "for CUDA 13.0" in one.told
    assert "driver" in str(one.repair)


def test_a_gpu_beside_a_build_for_cpus_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch.version, "hip", None)
    monkeypatch.setattr(looked_at.shutil, "which", lambda name: name)
    assert "for CUDA" in str(found()["GPU"].repair)


def test_cores_that_others_keep_busy_are_told() -> None:
    assert found(1.4)["cores"].grade is Grade.absent
    assert "other processes use 1.4" in found(1.4)["cores"].told
    assert found(0.0)["cores"].repair is None


def test_too_little_memory_is_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda *_, **__: 3e8)
    assert found()["memory"].grade is Grade.bad


def test_a_missing_compiler_is_told_with_what_it_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looked_at.shutil, "which", lambda _: None)
    assert "fit.compile" in str(found()["compiler"].repair)
