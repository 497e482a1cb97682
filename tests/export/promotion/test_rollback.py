from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from slimtune.export.promotion import rollback
from slimtune.export.promotion.rollback import overrides_forward, roll_back
from slimtune.export.registry.alias_lock import AliasLock
from slimtune.export.registry.aliases import AliasMove, rolled_back_from, set_alias
from slimtune.export.registry.mlflow_registry import FilesGone, RegisteredVersion, alias_version
from slimtune.training.errors import ModelError, NotPromoted, StoreError
from slimtune.training.tracking.mlflow_runs import client_of
from tests.export.promotion.test_gate import make

ALIAS = "champion"


@pytest.fixture
def uri(tmp_path: Path) -> str:
    """Versions 1, 2 and 3, which became champion one after another."""
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    client_of(uri).create_registered_model("tiny")
    for number in ("1", "2", "3"):
        client_of(uri).create_model_version("tiny", source=str(tmp_path))
        set_alias(uri, RegisteredVersion("tiny", number), ALIAS)
    return uri


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether the lock was held whenever one was taken or given back."""
    seen = [False]
    lock = rollback.alias_lock

    @contextmanager
    def noted(uri: str, name: str) -> Iterator[AliasLock]:
        with lock(uri, name) as taken:
            seen.append(True)
            yield taken
        seen.append(False)

    monkeypatch.setattr(rollback, "alias_lock", noted)
    return seen


def test_models_are_downloaded_without_the_lock(uri: str, held: list[bool], monkeypatch: pytest.MonkeyPatch) -> None:
    """Which may take longer than a lock of others is respected; whoever moved the alias meanwhile is seen."""
    looked_at = []

    def downloaded(_: str, version: RegisteredVersion, *, trust: bool) -> None:
        assert not held[-1], "it would be held for the time of a download"
        looked_at.append(version.version)
        if len(looked_at) == 1:
            set_alias(uri, RegisteredVersion("tiny", "1"), ALIAS)

    monkeypatch.setattr(rollback, "_fault", downloaded)
    done = roll_back(uri, "tiny", ALIAS)
    assert looked_at == ["2", "3"]
    assert (done.version.version, done.before) == ("3", "1")
    assert alias_version(uri, "tiny", ALIAS) == "3"
    assert held == [False, True, False, True, False]


def test_the_rules_that_a_version_goes_forward_without_are_those_of_its_promotion(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of which the history knows; else those that refuse it now."""
    second = RegisteredVersion("tiny", "2")
    set_alias(uri, second, ALIAS, why="promoted (switched off: beats_baseline, no_leak; not known: verified)")
    set_alias(uri, second, "staging", why="promoted")
    set_alias(uri, second, ALIAS, why="rolled back")
    off = ["promotion.min_gain=null", "promotion.beats_baseline=false", "promotion.no_leak=false"]
    assert overrides_forward(uri, second, ALIAS) == off
    assert overrides_forward(uri, second, "staging") == ["promotion.min_gain=null"]
    monkeypatch.setattr(rollback, "fetch_model", lambda *_, **__: make(0.3))
    assert overrides_forward(uri, second, "unnoted") == off[:2], "its score is that of a simple model"

    def gone(*_: Any, **__: Any) -> None:
        raise FilesGone("the files are gone")

    monkeypatch.setattr(rollback, "fetch_model", gone)
    assert overrides_forward(uri, second, "unnoted") == off[:1]


def test_the_version_that_an_alias_was_taken_back_from() -> None:
    """Not one that can have it again by a rollback, and not one that was lost on the way back."""
    promoted = [AliasMove(ALIAS, "1", None, 0), AliasMove(ALIAS, "2", "1", 0), AliasMove(ALIAS, "3", "2", 0)]
    assert rolled_back_from(promoted, ALIAS, "3") is None
    back = [*promoted, AliasMove(ALIAS, "2", "3", 0, "rolled back"), AliasMove(ALIAS, "1", "2", 0, "rolled back")]
    assert rolled_back_from(back, ALIAS, "1") == "2"
    assert rolled_back_from(back, "staging", "1") is None
    assert rolled_back_from([*back, AliasMove(ALIAS, "2", "1", 0)], ALIAS, "2") == "3"


def test_an_alias_that_moves_all_the_time_is_given_up(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = iter("12" * 9)

    def downloaded(_: str, version: RegisteredVersion, *, trust: bool) -> None:
        set_alias(uri, RegisteredVersion("tiny", next(numbers)), ALIAS)

    monkeypatch.setattr(rollback, "_fault", downloaded)
    with pytest.raises(StoreError, match="changed hands 5 times"):
        roll_back(uri, "tiny", ALIAS)


def test_a_slip_in_the_name_of_an_alias_is_told(uri: str) -> None:
    """One that is like none of its own has had no version yet, which the gate's exit code says."""
    with pytest.raises(ModelError, match="has or had the alias 'champoin'; did you mean 'champion'"):
        roll_back(uri, "tiny", "champoin")
    with pytest.raises(NotPromoted, match="no version of tiny has or had the alias staging: slimtune promote"):
        roll_back(uri, "tiny", "staging")


def test_a_rollback_from_the_first_holder_says_that_later_ones_had_it(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which the history shows: it goes back alone, and a promotion goes forward."""
    monkeypatch.setattr(rollback, "_fault", lambda *_, **__: None)
    for _ in range(2):
        roll_back(uri, "tiny", ALIAS)
    with pytest.raises(NotPromoted, match="had the alias champion before version 1, which has it; those that had it l"):
        roll_back(uri, "tiny", ALIAS)


def test_the_only_holder_has_nobody_before_it(uri: str) -> None:
    set_alias(uri, RegisteredVersion("tiny", "2"), "staging")
    with pytest.raises(NotPromoted, match="before version 2, which has it; slimtune history tiny shows"):
        roll_back(uri, "tiny", "staging")


def test_earlier_holders_that_are_gone_are_why(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollback, "_fault", lambda _, version, **__: f"{version.version} is gone")
    with pytest.raises(NotPromoted, match="before and can have it again: 2 is gone; 1 is gone; slimtune history"):
        roll_back(uri, "tiny", ALIAS)
