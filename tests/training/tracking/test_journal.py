"""What is written down survives full disks and kills, and takes no more room than what waits."""

import json
from pathlib import Path

import pytest

from slimtune.training.tracking import journal as journals
from slimtune.training.tracking.journal import JOURNAL, REFUSED, Header, Journal, ids_in

HEADER = Header("k", "http://tracker", "e", "x", None, {}, 1)


def begun(place: Path) -> Journal:
    return Journal.begin(place, HEADER)


def again(journal: Journal) -> Journal:
    """As another process opens it."""
    journal._lock.release()
    found = Journal.open(journal.folder)
    assert found is not None
    return found


def waiting(journal: Journal) -> list[str]:
    return [entry.do for entry in journal.waiting]


def test_a_page_that_waits_is_replaced_by_a_later_one(tmp_path: Path) -> None:
    """Each would keep a file of its own on the disk for as long as the tracker is away; so would texts."""
    journal, page = begun(tmp_path), tmp_path / "report.html"
    for number in range(5):
        page.unlink(missing_ok=True)
        page.write_text(str(number))
        journal.append_copy("file", page)
        journal.append("text", text=str(number), file="config.yaml")
        journal.append("text", text=str(number), file=f"other-{number}.txt")
    for opened in (journal, again(journal)):
        kept = [opened.folder / one.values["kept"] for one in opened.waiting if one.do == "file"]
        assert [path.read_text() for path in kept] == ["4"]
        texts = [one.values["text"] for one in opened.waiting if one.values.get("file") == "config.yaml"]
        assert texts == ["4"]
        assert sum("other" in one.values.get("file", "") for one in opened.waiting) == 5
    assert len(list((journal.folder / journals.FILES).iterdir())) == 1


def test_folders_of_one_name_all_wait(tmp_path: Path) -> None:
    """Their files add up in the tracker."""
    journal = begun(tmp_path)
    for name in "ab":
        (tmp_path / name).mkdir()
        journal.append_copy("folder", tmp_path / name, name="plots")
    assert waiting(journal) == ["folder", "folder"]


@pytest.mark.parametrize("cut", [b'{"entry": {"numb', b'{"taken": ', b"\xc3", b"\x00\x00", b"7", b'{"entry": {}}'])
def test_a_line_that_a_full_disk_has_cut_off_costs_no_other(
    tmp_path: Path, cut: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """What comes next begins a line of its own; the cut one is told once and kept aside."""
    journal = begun(tmp_path)
    journal.append("tags", rows=[["a", "b"]])
    with (journal.folder / JOURNAL).open("ab") as lines:
        lines.write(cut)
    journal.append("params", rows=[["\u2028 é", "d"]])
    assert ids_in(journal.folder) == (HEADER, None)
    for _ in range(2):
        journal = again(journal)
        assert waiting(journal) == ["tags", "params"]
    assert caplog.text.count("a line in") == 1
    (aside,) = (journal.folder / REFUSED).read_text().splitlines()
    assert json.loads(aside)["values"] == {"line": cut.decode(errors="replace")}


def test_a_long_outage_takes_no_more_than_what_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "MOST_BYTES", 10_000)
    journal = begun(tmp_path)
    journal.note_run("id")
    for number in range(200):
        journal.append("text", text="x" * 1000, file="notes.txt")
        journal.append("tags", rows=[["n", str(number)]])
    assert (journal.folder / JOURNAL).stat().st_size < 40_000
    found = again(journal)
    assert (found.run_id, len(found.waiting)) == ("id", 201)
    assert [entry.values["rows"][0][1] for entry in found.waiting if entry.do == "tags"] == list(map(str, range(200)))
