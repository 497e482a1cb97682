import json
from pathlib import Path

import pytest

from slimtune.sweeper.cli import main
from slimtune.sweeper.doctor import places
from slimtune.training.hardware import memory


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(places, "why_unreachable", lambda: None)
    monkeypatch.chdir(tmp_path)


def test_a_machine_that_will_do_ends_with_zero(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    told = capsys.readouterr().out
    assert "Nothing stands against a sweep here." in told
    assert "[qlora]" in told


def test_what_must_be_mended_is_told_at_the_end_and_ends_with_two(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda *_, **__: 1e8)
    assert main(["doctor"]) == 2
    assert "To mend: memory:" in capsys.readouterr().out


def test_findings_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    rooms = json.loads(capsys.readouterr().out)
    assert set(rooms) == {"installed", "here", "machine"}
    assert all({"name", "told", "grade", "repair"} == set(one) for findings in rooms.values() for one in findings)
