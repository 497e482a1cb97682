"""Worker processes that joblib keeps are begun early, found again by a launch, and ended at once."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from joblib import Parallel, delayed
from omegaconf import DictConfig, OmegaConf

from slimtune.sweeper.search.launchers import kept_processes
from slimtune.sweeper.search.launchers.kept_processes import KeptProcesses

PACKAGE = "hydra_plugins.hydra_joblib_launcher"
SETTINGS = {"n_jobs": 2, "backend": None, "prefer": "processes", "batch_size": "auto", "pre_dispatch": "2*n_jobs"}


def config_of(launcher: str = "JoblibLauncher", **settings: Any) -> DictConfig:
    found = {"_target_": f"{PACKAGE}.joblib_launcher.{launcher}", **SETTINGS, **settings}
    return OmegaConf.create({"hydra": {"launcher": found}})


def begun() -> set[int]:
    return {one.pid for one in psutil.Process().children() if any("LokyProcess" in word for word in one.cmdline())}


@pytest.fixture(name="processes")
def processes_fixture(monkeypatch: pytest.MonkeyPatch) -> Iterator[KeptProcesses]:
    monkeypatch.setattr(kept_processes, "PARTS", ("json",))
    monkeypatch.setattr(kept_processes, "free_cores", lambda: 2)
    found = KeptProcesses(config_of(n_jobs=-1), 2)
    found.end()
    yield found
    found.end()


def test_a_launch_works_in_those_that_were_begun_before(processes: KeptProcesses) -> None:
    processes.begin()
    deadline = time.monotonic() + 60
    while len(begun()) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    early = begun()
    assert len(early) == 2
    launched = Parallel(**{**SETTINGS, "backend": "loky"})(delayed(os.getpid)() for _ in range(4))
    assert set(launched) <= early
    assert processes._turns is not None
    processes.end()
    assert not begun()
    assert not Path(processes._turns.name).exists()


def held() -> int:
    """A worker with its model: what it takes, loky would take for a leak."""
    # of the process: this function comes anew with each task
    json.model = getattr(json, "model", None) or bytearray(400_000_000)  # type: ignore[attr-defined]
    return os.getpid()


def test_a_worker_that_has_loaded_a_model_is_there_for_the_next_launch(processes: KeptProcesses) -> None:
    """It would import everything anew, in the middle of the reruns."""
    processes.begin()
    settings = {**SETTINGS, "backend": "loky", "n_jobs": 2}
    deadline = time.monotonic() + 60
    while len(begun()) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    early = begun()
    for _ in range(3):
        # loky looks once a second
        time.sleep(1.1)
        assert set(Parallel(**settings)(delayed(held)() for _ in range(2))) <= early
    assert begun() == early


@pytest.mark.parametrize(
    ("launcher", "num_workers"), [("BasicLauncher", 2), ("SlurmLauncher", 2), ("JoblibLauncher", 1)]
)
def test_others_begin_none(launcher: str, num_workers: int, processes: KeptProcesses) -> None:
    """Nor do they end anything that is not theirs."""
    others = KeptProcesses(config_of(launcher), num_workers)
    others.begin()
    assert not others.is_kept
    processes.begin()
    others.end()
    Parallel(**{**SETTINGS, "backend": "loky"})(delayed(os.getpid)() for _ in range(2))
    assert len(begun()) == 2


def test_parts_that_cannot_be_imported_are_left_to_the_launch(
    processes: KeptProcesses, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Which tells what is missing."""
    monkeypatch.setattr(kept_processes, "PARTS", ("no_such_module",))
    with caplog.at_level("DEBUG", logger=kept_processes.__name__):
        processes.begin()
        deadline = time.monotonic() + 60
        # processes of another test may have been ended meanwhile
        while not any("no_such_module" in one for one in caplog.messages) and time.monotonic() < deadline:
            time.sleep(0.05)
    assert any("workers were not begun ahead (No module named 'no_such_module')" in one for one in caplog.messages)


def test_they_import_one_after_the_other_where_one_core_is_left(tmp_path: Path) -> None:
    """Nobody imports beside another of the same turn."""
    (tmp_path / "watched_part.py").write_text(
        "import time\n"
        "with open('log', 'a', buffering=1) as log:\n"
        "    log.write('begun\\n')\n"
        "    time.sleep(0.2)\n"
        "    log.write('done\\n')\n"
    )
    words = f"from {kept_processes.__name__} import import_parts; import_parts(['watched_part'], 'turn.lock')"
    others = [subprocess.Popen([sys.executable, "-c", words], cwd=tmp_path) for _ in range(2)]
    assert [one.wait(60) for one in others] == [0, 0]
    assert (tmp_path / "log").read_text().split() == ["begun", "done"] * 2


def test_each_has_a_turn_and_as_many_at_once_as_leave_a_core(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[list[str]] = []
    monkeypatch.setattr(KeptProcesses, "_import_parts", lambda _, turns: given.append([turn.name for turn in turns]))
    for cores in (2, 3, 8):
        monkeypatch.setattr(kept_processes, "free_cores", lambda cores=cores: cores)
        others = KeptProcesses(config_of(), 3)
        others.begin()
        request.addfinalizer(others.end)
    deadline = time.monotonic() + 60
    while len(given) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sorted(given) == [["0.lock"] * 3, ["0.lock", "1.lock", "0.lock"], ["0.lock", "1.lock", "2.lock"]]
