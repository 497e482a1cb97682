"""The pages of a sweep's run wait for no tracker longer than they must."""

from typing import Any

import pytest

from slimtune.sweeper.goals.goals import Goals
from slimtune.sweeper.reporting import parent_pages
from slimtune.sweeper.reporting.parent_pages import ParentPages


class Parent:
    """Knows one of the runs."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []

    def id_of(self, run_id: str | None) -> str | None:
        self.asked.append(run_id)
        return "known" if run_id == "queued-a" else run_id


@pytest.mark.parametrize(("patience", "asked"), [(60.0, ["a", "b", "c"]), (-1.0, ["a", "b"])], ids=["answers", "hangs"])
def test_a_tracker_that_hangs_is_asked_once(monkeypatch: pytest.MonkeyPatch, patience: float, asked: list[str]) -> None:
    """And not for what is known."""
    monkeypatch.setattr(parent_pages, "PATIENCE_SECONDS", patience)
    parent: Any = Parent()
    pages = ParentPages(parent, None, words="s", metric="accuracy", goals=Goals())  # type: ignore[arg-type]
    names = [f"queued-{name}" for name in "aabc"]
    assert [pages._id_of(name) for name in names] == ["known", "known", "queued-b", "queued-c"]
    assert parent.asked == [f"queued-{name}" for name in asked]
