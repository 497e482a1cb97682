import os
import warnings

import joblib
import psutil
import pytest

from slimtune.training.hardware.threads import MAX_CORES, free_cores


@pytest.fixture(autouse=True)
def four_logical_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MAX_CORES, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(joblib, "cpu_count", lambda: 4)


@pytest.mark.parametrize(
    ("logical", "physical", "processes", "free"),
    [
        (4, 2, 1, 2),
        (4, 2, 2, 1),
        (4, 2, 3, 1),
        # what affinity, a quota or a person leaves is taken as it is
        (3, 2, 1, 3),
        (1, 2, 1, 1),
    ],
)
def test_cores_are_physical_where_nothing_limits_them(
    monkeypatch: pytest.MonkeyPatch, logical: int, physical: int, processes: int, free: int
) -> None:
    monkeypatch.setattr(joblib, "cpu_count", lambda: logical)
    monkeypatch.setattr(psutil, "cpu_count", lambda logical=True: 4 if logical else physical)
    assert free_cores(processes) == free


def test_where_the_system_hides_them_logical_ones_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container without /sys; nothing is said of it."""
    monkeypatch.setattr(psutil, "cpu_count", lambda logical=True: 4 if logical else None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert free_cores() == 4
