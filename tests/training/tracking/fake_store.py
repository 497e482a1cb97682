"""An experiment of a tracker in memory, which fails at chosen calls: before it takes what it was sent, or after."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from slimtune.training.tracking.delivery import KEY_TAG
from slimtune.training.tracking.run import MetricPoint, TrackedSplit


class Killed(BaseException):
    """The process ends here."""


class FakeStore:
    """Implements `RunStore`.

    Attributes:
        faults: What happens at the next calls, one each: `lost` before and `unheard` after the call has its effect,
            `killed` the same with the process; None, and beyond the end, is no fault.
        runs: By id.
        deleted: Ids of those that a person has deleted; they are found by their key all the same, as in MLflow.
    """

    def __init__(self, faults: Iterable[str | None] = ()) -> None:
        self.faults = list(faults)
        self.runs: dict[str, dict[str, Any]] = {}
        self.deleted: set[str] = set()
        self.num_calls = 0

    def call(self, effect: Any) -> Any:
        self.num_calls += 1
        fault = self.faults.pop(0) if self.faults else None
        if fault == "lost":
            raise ConnectionError("down")
        answer = effect()
        if fault == "unheard":
            raise ConnectionError("no answer")
        if fault == "killed":
            raise Killed
        return answer

    def find(self, key: str) -> str | None:
        return self.call(lambda: next((i for i, run in self.runs.items() if run["tags"][KEY_TAG] == key), None))

    def create(
        self, name: str, tags: Mapping[str, str], *, parent_run_id: str | None, began_ms: int | None = None
    ) -> str:
        def make() -> str:
            run_id = f"id{len(self.runs)}"
            self.runs[run_id] = {
                "name": name,
                "tags": dict(tags),
                "parent": parent_run_id,
                "began_ms": began_ms,
                "points": [],
                "params": {},
                "files": {},
                "status": "RUNNING",
            }
            return run_id

        return self.call(make)

    def has(self, run_id: str) -> bool:
        return self.call(lambda: run_id in self.runs and run_id not in self.deleted)

    def run(self, run_id: str) -> "FakeRun":
        return FakeRun(self, run_id)


class FakeRun:
    """Implements `StoredRun`."""

    def __init__(self, store: FakeStore, run_id: str) -> None:
        self._store, self._id = store, run_id

    @property
    def _run(self) -> dict[str, Any]:
        return self._store.runs[self._id]

    def times(self, key: str) -> dict[int, set[int]]:
        def ask() -> dict[int, set[int]]:
            found: dict[int, set[int]] = {}
            for point in self._run["points"]:
                if point.key == key:
                    found.setdefault(point.step, set()).add(point.timestamp_ms)
            return found

        return self._store.call(ask)

    def write(self, points: list[MetricPoint]) -> None:
        if any(point.key == "bad" for point in points):
            raise ValueError("MLflow does not take this")
        self._store.call(lambda: self._run["points"].extend(points))

    def log_params(self, params: Mapping[str, Any]) -> None:
        self._store.call(lambda: self._run["params"].update(params))

    def set_tags(self, tags: Mapping[str, str]) -> None:
        self._store.call(lambda: self._run["tags"].update(tags))

    def log_text(self, text: str, file: str) -> None:
        self._store.call(lambda: self._run["files"].update({file: text}))

    def log_file(self, path: Path) -> None:
        self._store.call(lambda: self._run["files"].update({path.name: path.read_text()}))

    def log_folder(self, folder: Path, name: str) -> None:
        files = {f"{name}/{path.name}": path.read_text() for path in folder.iterdir()}
        self._store.call(lambda: self._run["files"].update(files))

    def log_data(self, splits: Sequence[TrackedSplit]) -> None:
        self._store.call(lambda: self._run["files"].update({"data": [split._asdict() for split in splits]}))

    def tag_experiment(self, key: str, value: str) -> None:
        self._store.call(lambda: None)

    def reopen(self) -> None:
        self._store.call(lambda: self._run.update(status="RUNNING"))

    def end(self, *, state: str, failed: bool = False, at_ms: int | None = None) -> None:
        def close() -> None:
            self._run["tags"]["state"] = state
            self._run["status"] = "FAILED" if failed else "FINISHED"

        self._store.call(close)
