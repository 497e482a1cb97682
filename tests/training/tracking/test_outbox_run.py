"""Nothing is lost on the way to a tracker, and nothing arrives twice."""

import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slimtune.training.tracking import journal, line, outbox_run
from slimtune.training.tracking.journal import JOURNAL, OUTBOX, REFUSED, Journal, journals_in
from slimtune.training.tracking.line import Line
from slimtune.training.tracking.outbox_run import OutboxRun, open_run
from slimtune.training.tracking.run import MetricPoint, TrackedSplit
from slimtune.training.tracking.sync import sync, waits_in
from tests.conftest import make_lineage
from tests.training.tracking.fake_store import FakeRun, FakeStore, Killed


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tracker that was away is asked again at once."""
    monkeypatch.setattr(line, "FIRST_PAUSE_SECONDS", 0.0)


def line_of(store: FakeStore, *, online: bool = True) -> Line:
    return Line("http://tracker", "e", lambda: store, online=online)


def send(folder: Path, store: FakeStore) -> Any:
    return sync(folder, connect=lambda _: line_of(store))


def steps_of(folder: Path) -> list[Callable[[OutboxRun], None]]:
    """What a trial writes."""
    changing = folder / "report.json"

    def file(run: OutboxRun) -> None:
        changing.unlink(missing_ok=True)
        changing.write_text("first")
        run.log_file(changing)
        changing.unlink()

    def whole(run: OutboxRun) -> None:
        (folder / "best").mkdir(exist_ok=True)
        (folder / "best" / "weights").write_text("w")
        run.log_folder(folder / "best", "checkpoint")
        shutil.rmtree(folder / "best")

    return [
        lambda run: run.log_text("a: 1", "config.yaml"),
        lambda run: run.log_params({"r": 8, "rate": 0.001}),
        lambda run: run.log_points([MetricPoint("loss", 1.0, 10, 1), MetricPoint("acc", 0.1, 10, 1)]),
        file,
        lambda run: run.set_tags({"device": "cpu"}),
        lambda run: run.log_points([MetricPoint("loss", 0.5, 20, 2), MetricPoint("loss", 0.4, 30, 3)]),
        lambda run: run.log_data([TrackedSplit("train", "d", "rows", "abc", {"n": 3})]),
        whole,
        lambda run: run.log_metrics({"best/acc": 0.9, "fit/seconds": 3.0}),
        lambda run: run.end(state="complete"),
    ]


def written(folder: Path, store: FakeStore, monkeypatch: pytest.MonkeyPatch, *, online: bool = True) -> None:
    """A parent and a trial; whenever the process is killed, it is started again and goes on behind the last call."""
    clock = count(100)
    monkeypatch.setattr(outbox_run, "now_ms", lambda: next(clock))
    monkeypatch.setattr(journal, "now_ms", lambda: next(clock))
    keys = iter([f"key{number}" for number in range(100)])
    monkeypatch.setattr(outbox_run.uuid, "uuid4", lambda: type("Key", (), {"hex": next(keys)}))
    parent_id = _process(folder, store, [lambda run: run.end(state="complete")], None, online=online)
    _process(folder / "trials" / "0", store, steps_of(folder), parent_id, online=online)


def _process(
    folder: Path,
    store: FakeStore,
    steps: Sequence[Callable[[OutboxRun], None]],
    parent: str | None,
    *,
    online: bool,
) -> str | None:
    folder.mkdir(parents=True, exist_ok=True)
    lineage = make_lineage(folder, parent_run_id=parent)
    run_id, done = None, 0
    while True:
        try:
            run = open_run(line_of(store, online=online), replace(lineage, run_id=run_id))
            run_id = run.run_id
            while done < len(steps):
                done += 1
                steps[done - 1](run)
            return run_id
        except Killed:
            # the system gives the locks of a dead process back
            for left in journals_in(folder):
                run_id = f"queued-{journal.ids_in(left)[0].key}"
                _free(left)
            if done == len(steps):
                # its last words are written down: sent by whoever sends all
                return run_id


held: list[Journal] = []


def _free(folder: Path) -> None:
    for one in [one for one in held if one.folder == folder]:
        one._lock.release(force=True)
        held.remove(one)


@pytest.fixture(autouse=True)
def noted(monkeypatch: pytest.MonkeyPatch) -> None:
    begin = Journal.__init__

    def init(self: Journal, *given: Any) -> None:
        begin(self, *given)
        held.append(self)

    held.clear()
    monkeypatch.setattr(Journal, "__init__", init)


FAULTS = st.lists(st.sampled_from([None, None, "lost", "unheard", "killed"]), max_size=40)


def plain(store: FakeStore) -> list[Any]:
    """What the runs have, without what differs between two times of doing the same."""
    runs = []
    for run in store.runs.values():
        points = sorted((one.key, one.value, one.step) for one in run["points"])
        tags = {key: value for key, value in run["tags"].items() if key != journal.KEY_TAG}
        runs.append({**run, "points": points, "tags": tags})
    return runs


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(faults=FAULTS)
def test_whatever_fails_the_run_ends_up_as_if_nothing_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, faults: list[str | None]
) -> None:
    """Calls that are lost, calls whose answer is lost, and kills, in any order; then a sync."""
    logging.disable()
    good, bad = FakeStore(), FakeStore(faults)
    for folder, store in ((tmp_path / "good", good), (tmp_path / "bad", bad)):
        shutil.rmtree(folder, ignore_errors=True)
        held.clear()
        written(folder, store, monkeypatch)
    bad.faults = []
    for _ in range(2):
        assert send(tmp_path / "bad", bad).left == []
    logging.disable(logging.NOTSET)
    assert plain(bad) == plain(good)
    assert journals_in(tmp_path / "bad") == []


def test_a_run_offline_is_sent_whole_by_a_sync_and_by_the_next_one_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, store = FakeStore(), FakeStore()
    written(tmp_path / "good", good, monkeypatch)
    written(tmp_path / "a", store, monkeypatch, online=False)
    assert store.num_calls == 0
    done = send(tmp_path / "a", store)
    assert (done.runs, done.left) == (2, [])
    assert plain(store) == plain(good)
    calls = store.num_calls
    assert send(tmp_path / "a", store).runs == 0
    assert store.num_calls == calls


def test_what_is_refused_is_told_once_with_its_key_and_set_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The rest of the same batch, and all after it, is sent."""
    store = FakeStore()
    run = open_run(line_of(store), make_lineage(tmp_path))
    run.log_points([MetricPoint(key, 1.0, 10, 1) for key in ("a", "b", "bad", "c")])
    run.end(state="complete")
    assert [point.key for point in store.runs["id0"]["points"]] == ["a", "b", "c"]
    assert store.runs["id0"]["status"] == "FINISHED"
    assert [record.getMessage().count("refuses points bad") for record in caplog.records] == [1]
    (aside,) = (tmp_path / OUTBOX).glob(f"*/{REFUSED}")
    assert '"bad"' in aside.read_text()
    assert send(tmp_path, store).left == []


def test_an_outage_is_told_once_and_so_is_its_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = FakeStore(["lost"] * 3)
    run = open_run(line_of(store), make_lineage(tmp_path))
    for number in range(5):
        run.set_tags({"n": str(number)})
    assert [record.getMessage().split("(")[0].strip() for record in caplog.records] == [
        "tracking: http://tracker takes nothing now, so all waits on disk and is sent later",
        "tracking: http://tracker answers again",
    ]


def test_while_a_tracker_is_away_it_is_not_asked_at_each_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "FIRST_PAUSE_SECONDS", 600.0)
    store = FakeStore(["lost"] * 100)
    run = open_run(line_of(store), make_lineage(tmp_path))
    for number in range(50):
        run.set_tags({"n": str(number)})
    assert store.num_calls == 1


def test_what_a_running_process_has_is_left_to_it(tmp_path: Path) -> None:
    """As by two syncs at once: whoever has the journal sends it."""
    store = FakeStore(["lost"] * 2)
    run = open_run(line_of(store), make_lineage(tmp_path))
    run.set_tags({"a": "b"})
    done = send(tmp_path, store)
    assert (done.runs, done.busy, done.left) == (0, 1, [])
    run.end(state="complete")
    assert len(store.runs) == 1


def test_a_line_that_was_cut_off_by_a_kill_is_not_there(tmp_path: Path) -> None:
    store = FakeStore()
    run = open_run(line_of(store, online=False), make_lineage(tmp_path))
    run.set_tags({"a": "b"})
    (folder,) = journals_in(tmp_path)
    with (folder / JOURNAL).open("a") as lines:
        lines.write('{"entry": {"numb')
    _free(folder)
    assert send(tmp_path, store).left == []
    assert store.runs["id0"]["tags"]["a"] == "b"


def test_a_child_waits_for_its_parent(tmp_path: Path) -> None:
    store = FakeStore()
    parent = open_run(line_of(store, online=False), make_lineage(tmp_path))
    child = open_run(line_of(store), make_lineage(tmp_path / "trials" / "0", parent_run_id=parent.run_id))
    assert store.runs == {}
    for run in (child, parent):
        run.end(state="complete")
    assert send(tmp_path, store).left == []
    assert [run["parent"] for run in store.runs.values()] == [None, "id0"]


def test_a_journal_that_is_broken_stops_no_other(tmp_path: Path) -> None:
    """As after the power was gone, or a disk was full: lines that cannot be read are left out, and all is told."""
    store = FakeStore()
    runs = [open_run(line_of(store, online=False), make_lineage(tmp_path / name)) for name in "ab"]
    for run in runs:
        run.set_tags({"a": "b"})
    empty, torn = journals_in(tmp_path)
    for folder in (empty, torn):
        _free(folder)
    (empty / JOURNAL).write_text("")
    with (torn / JOURNAL).open("a") as lines:
        lines.write('{"entry": {"numb{"taken": 7}\n')
    assert waits_in(tmp_path) == 2
    (left,) = send(tmp_path, store).left
    assert (left.folder, "first line is cut off" in left.why) == (empty, True)
    assert [run["tags"]["a"] for run in store.runs.values()] == ["b"]


class NoArtifacts(FakeStore):
    """Takes everything but artifacts, as where the credentials of their store are missing."""

    stores = False

    def run(self, run_id: str) -> FakeRun:
        found = super().run(run_id)
        if not self.stores:

            def refuse(*_: object) -> None:
                raise PermissionError("no credentials")

            found.log_text = refuse  # type: ignore[method-assign]
        return found


def test_artifacts_that_cannot_be_stored_hold_nothing_else_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """They wait, told once; whoever sends later with the credentials sends them."""
    store = NoArtifacts()
    steps: list[Callable[[OutboxRun], None]] = [
        lambda run: run.log_text("a: 1", "config.yaml"),
        lambda run: run.log_params({"r": 8}),
        lambda run: run.log_text("b", "other.txt"),
        lambda run: run.end(state="complete"),
    ]
    _process(tmp_path, store, steps, None, online=True)
    (run,) = store.runs.values()
    assert (run["params"], run["status"], run["files"]) == ({"r": "8"}, "FINISHED", {})
    assert caplog.text.count("artifacts cannot be stored") == 1
    assert sync(tmp_path, connect=lambda _: line_of(store)).left
    store.stores = True
    assert sync(tmp_path, connect=lambda _: line_of(store)).left == []
    assert run["files"] == {"config.yaml": "a: 1", "other.txt": "b"}


def test_another_tracker_gets_nothing_of_a_run_that_it_does_not_have(tmp_path: Path) -> None:
    """A wrong --tracking-uri costs nothing: all waits on for the run's own."""
    own = NoArtifacts()
    _process(tmp_path, own, [lambda run: run.log_text("a", "a.txt"), lambda run: run.end(state="x")], None, online=True)
    other = FakeStore()
    synced = sync(tmp_path, uri="sqlite:///other.db", connect=lambda _: line_of(other))
    assert (synced.entries, len(synced.left), other.runs) == (0, 1, {})
    own.stores = True
    assert sync(tmp_path, connect=lambda _: line_of(own)).entries == 1


def test_a_run_that_is_known_by_its_key_and_was_deleted_begins_anew_each_time(tmp_path: Path) -> None:
    """As the run of an export, which the user deletes in the UI; what was begun in its place is gone on with."""
    store = FakeStore()

    def write() -> str | None:
        run = open_run(line_of(store), make_lineage(tmp_path), key="export-1")
        run.set_tags({"a": "b"})
        run.end(state="complete")
        return run.run_id

    assert [write(), write()] == ["id0", "id0"]
    for number in range(1, 3):
        store.deleted.add(f"id{number - 1}")
        assert [write(), write()] == [f"id{number}", f"id{number}"]
    assert [run["tags"]["a"] for run in store.runs.values()] == ["b"] * 3


def test_the_journal_of_a_run_that_was_deleted_meanwhile_is_not_gone_on_with(tmp_path: Path) -> None:
    """Neither by its id, nor by its key where the process was killed before the id was noted."""
    for number, run_id in enumerate([None, "id0"]):
        store, folder = FakeStore(), tmp_path / str(number)
        store.create("x", {journal.KEY_TAG: "k"}, parent_run_id=None)
        header = journal.Header("k", "http://tracker", "e", "x", None, {}, 1, run_id)
        Journal.begin(folder, header).close()
        store.deleted.add("id0")
        run = open_run(line_of(store), make_lineage(folder), key="k")
        assert run.run_id == "id1"
