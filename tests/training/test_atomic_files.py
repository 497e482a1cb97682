import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from slimtune.training.atomic_files import folder_aside, json_line, write_json, write_jsonl, written_aside


def test_a_file_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("old")

    def rows() -> Iterator[dict[str, Any]]:
        yield {"a": 1}
        raise KeyError("broken input")

    with pytest.raises(KeyError):
        write_jsonl(path, rows())
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    """And one that is whole takes its place; what a killed writer left is removed."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "old").write_text("old")
    (tmp_path / ".model.aside").mkdir()
    (tmp_path / ".model.aside" / "half").write_text("half")

    def fill(*, fail: bool) -> None:
        with folder_aside(folder) as aside:
            assert list(aside.iterdir()) == []
            (aside / "new").write_text("new")
            if fail:
                raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space left"):
        fill(fail=True)
    assert [path.name for path in folder.iterdir()] == ["old"]
    fill(fail=False)
    assert [path.name for path in folder.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [folder]


def test_folders_that_were_made_for_nothing_are_removed(tmp_path: Path) -> None:
    """Those that were there before stay, empty as they are; so do those that somebody has written to meanwhile."""
    (tmp_path / "before").mkdir()

    def fail(name: str, left: str | None) -> None:
        with folder_aside(tmp_path / name):
            if left is not None:
                (tmp_path / left).write_text("mine")
            raise OSError("no space left on device")

    for name, left in (("a/b/c", None), ("before/b/c", None), ("d/e/c", "d/mine")):
        with pytest.raises(OSError, match="no space left"):
            fail(name, left)
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    assert found == {"before", "d", "d/mine"}


def test_what_is_written_can_be_read_again(tmp_path: Path) -> None:
    """Dates as text, and half of a surrogate pair as the escape that it was."""
    rows = [{"text": "Käse \ud83d", "day": date(2026, 1, 2)}, {"text": "b"}]
    assert write_jsonl(tmp_path / "rows.jsonl", rows) == 2
    lines = (tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [{"text": "Käse \ud83d", "day": "2026-01-02"}, {"text": "b"}]


def test_json_goes_into_a_new_folder(tmp_path: Path) -> None:
    path = tmp_path / "new" / "value.json"
    write_json(path, {"a": ["ü"]})
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": ["ü"]}


def test_nobody_sees_a_file_that_is_not_whole(tmp_path: Path) -> None:
    path = tmp_path / "value.bin"
    with written_aside(path) as aside:
        aside.write_bytes(b"half")
        assert not path.exists()
        assert aside.parent == tmp_path
    assert path.read_bytes() == b"half"


def test_json_has_null_for_numbers_that_it_lacks(tmp_path: Path) -> None:
    """Also inside of lists and objects, in a line and in a file."""
    row = {"a": float("nan"), "b": [1.5, float("inf")], "c": {"d": (-float("inf"), "x")}, "e": 3}
    plain = {"a": None, "b": [1.5, None], "c": {"d": [None, "x"]}, "e": 3}
    write_json(tmp_path / "a.json", row)
    write_jsonl(tmp_path / "a.jsonl", [row])
    for text in (json_line(row), *((tmp_path / name).read_text() for name in ("a.json", "a.jsonl"))):
        assert json.loads(text, parse_constant=pytest.fail) == plain
