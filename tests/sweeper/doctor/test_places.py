from pathlib import Path
from types import SimpleNamespace

import pytest

from slimtune.sweeper.doctor import places as looked_at
from slimtune.sweeper.doctor.finding import Finding, Grade
from slimtune.sweeper.doctor.places import places


@pytest.fixture(autouse=True)
def without_a_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(looked_at, "why_unreachable", lambda: "https://hub cannot be reached: no route")
    monkeypatch.chdir(tmp_path)


def found(tracker: str | None = None, outputs: str = "outputs") -> dict[str, Finding]:
    return {one.name: one for one in places(Path(outputs), tracker)}


def test_a_folder_where_all_can_be_written_is_good_and_nothing_is_made() -> None:
    told = found()
    assert told["outputs"].grade is Grade.good
    assert told["tracker"].told.endswith("mlruns/mlflow.db, made by the first sweep")
    assert list(Path().iterdir()) == []


def test_a_file_in_the_way_of_the_results_is_bad() -> None:
    Path("outputs").write_text("mine")
    assert found()["outputs"].grade is Grade.bad


def test_a_full_disk_is_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looked_at.shutil, "disk_usage", lambda _: SimpleNamespace(free=1e8))
    assert found()["outputs"].grade is Grade.bad


def test_a_store_that_is_none_is_bad() -> None:
    Path("notes.db").write_text("not a database, but a text that is long enough to be taken for one" * 20)
    assert found("sqlite:///notes.db")["tracker"].grade is Grade.bad


def test_a_server_that_does_not_answer_is_bad_and_its_password_is_not_told() -> None:
    tracker = found("http://me:secret@127.0.0.1:9")["tracker"]
    assert tracker.grade is Grade.bad
    assert "secret" not in f"{tracker.told} {tracker.repair}"


def test_a_hub_out_of_reach_is_told_with_what_works_without_it() -> None:
    assert found()["hub"].grade is Grade.absent
    assert "package:" in str(found()["hub"].repair)
