import json

import pytest

from slimtune.export.registry.aliases import (
    DROPPED,
    MOST_SIGNS,
    PROMOTED,
    ROLLED_BACK,
    AliasMove,
    as_tag,
    holders_before,
    read_history,
)


def moves(*told: tuple[str | None, str | None, str]) -> list[AliasMove]:
    return [AliasMove("champion", version, before, 0, why) for version, before, why in told]


FIRST, SECOND, THIRD = ("1", None, PROMOTED), ("2", "1", PROMOTED), ("3", "2", PROMOTED)


@pytest.mark.parametrize(
    ("history", "now", "before"),
    [
        ([], None, []),
        ([FIRST], "1", []),
        ([FIRST, SECOND, THIRD], "3", ["2", "1"]),
        # a second rollback goes further back, not forth again
        ([FIRST, SECOND, THIRD, ("2", "3", ROLLED_BACK)], "2", ["1"]),
        ([FIRST, SECOND, THIRD, ("2", "3", ROLLED_BACK), ("4", "2", PROMOTED)], "4", ["2", "1"]),
        # its beginning was cut off
        ([THIRD], "3", ["2"]),
        # somebody moved it by hand
        ([FIRST, SECOND], "9", ["2", "1"]),
        ([FIRST, ("1", "1", DROPPED)], "1", []),
    ],
)
def test_who_had_an_alias_before(
    history: list[tuple[str | None, str | None, str]], now: str, before: list[str]
) -> None:
    assert holders_before(moves(*history), "champion", now) == before
    assert holders_before(moves(*history), "challenger", None) == []


def test_the_newest_moves_stay_within_what_a_tag_holds() -> None:
    every = [AliasMove("champion", str(at), str(at - 1), 1_790_000_000 + at) for at in range(200)]
    text = as_tag(every)
    assert MOST_SIGNS - 120 < len(text) <= MOST_SIGNS
    kept = read_history(text)
    assert kept == every[-len(kept) :]


def test_a_history_of_an_earlier_version_and_a_broken_one_are_read() -> None:
    old = [{"alias": "champion", "version": "1", "before": None, "at": 5}]
    assert read_history(json.dumps(old)) == [AliasMove("champion", "1", None, 5, PROMOTED)]
    assert read_history("[") == read_history(None) == read_history('[{"x": 1}]') == []
