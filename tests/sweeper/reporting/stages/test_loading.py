"""A package that takes long to load is named: on a terminal in the working line, in a log by a line of its own."""

import importlib
import io
import sys
import threading
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace

import pytest

from slimtune.sweeper.reporting.stages.loading import loading_told
from slimtune.sweeper.reporting.stages.working_line import WorkingLine


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """A package `slow_outer` that imports another one, which waits until it may go on."""
    (tmp_path / "slow_outer.py").write_text("import slow_inner\n")
    (tmp_path / "slow_inner.py").write_text("import slow_gate\nslow_gate.entered.set()\nslow_gate.leave.wait(60)\n")
    gate = SimpleNamespace(entered=threading.Event(), leave=threading.Event())
    monkeypatch.setitem(sys.modules, "slow_gate", gate)
    monkeypatch.syspath_prepend(tmp_path)
    yield gate
    for name in ("slow_outer", "slow_inner"):
        sys.modules.pop(name, None)


def test_the_working_line_names_it(slow: SimpleNamespace) -> None:
    """The one that was asked for, not what it imports itself."""
    importing = threading.Thread(target=importlib.import_module, args=["slow_outer"])
    importing.start()
    assert slow.entered.wait(60)
    line = WorkingLine("check", io.StringIO(), by_stages=False)
    line._main = importing.ident or 0
    told = line.told()
    slow.leave.set()
    importing.join()
    assert told == "slimtune check: loads slow_outer, 0 s"


def test_a_log_has_a_line_of_it(slow: SimpleNamespace, tmp_path: Path) -> None:
    told: list[str] = []
    (tmp_path / "command.py").write_text("import slow_outer\n")
    spec = spec_from_file_location("slimtune.command", tmp_path / "command.py")
    assert spec is not None
    assert spec.loader is not None

    def write(line: str) -> None:
        told.append(line)
        slow.leave.set()

    with loading_told(write, gap=lambda _: 0.01 if slow.entered.wait(60) and not told else 60.0):
        spec.loader.exec_module(module_from_spec(spec))
    assert [line.partition(",")[0] for line in told] == ["loads slow_outer"]


def test_where_nothing_is_loaded_there_is_none() -> None:
    """And nobody looks again: what a command does then has stages."""
    told, looked = [], threading.Event()
    gaps = iter([0.0])

    def gap(_: float) -> float:
        looked.set()
        return next(gaps)

    with loading_told(told.append, gap=gap):
        assert looked.wait(60)
        while any(thread.name.endswith("(_tell)") for thread in threading.enumerate()):
            threading.Event().wait(0.01)
    assert told == []
