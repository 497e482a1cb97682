"""Aliases of a registered model: moved one at a time, each move noted in a history, and given back.

MLflow keeps who has an alias, and not who had it before: that is a tag of the registered model.
"""

import json
import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from slimtune.export.registry.mlflow_registry import RegisteredVersion, alias_version, model_tags
from slimtune.training.tracking.mlflow_runs import client_of
from slimtune.training.tracking.store_answers import answering

HISTORY = "alias_history"
# signs of a tag's value that every database of MLflow takes
MOST_SIGNS = 5000
PROMOTED, ROLLED_BACK, DROPPED = "promoted", "rolled back", "dropped"
# it passed every other rule, and was not shown to be better than the champion
NOT_BETTER = "not shown to be better"
# it was challenger, and is worse than who has the alias that it asked for
WORSE = "shown to be worse"
# what stands behind why, each with its rules
SWITCHED_OFF, NOT_KNOWN = "switched off", "not known"
RULES_OFF = re.compile(rf"\b{SWITCHED_OFF}: ([^;)]+)")


class AliasMove(NamedTuple):
    """One move of an alias.

    Attributes:
        alias: Its name.
        version: Who got it; None if nobody has it any more.
        before: Who had it; None if nobody did.
        at: When, in seconds since 1970.
        why: `promoted`, `rolled back`, `dropped`, `not shown to be better` of who became challenger for that, or `shown
            to be worse` of who is challenger no more; behind it the rules that were switched off, and those of which
            nothing was known.
    """

    alias: str
    version: str | None
    before: str | None
    at: int
    why: str = PROMOTED

    @property
    def rules_off(self) -> list[str]:
        """The rules that were switched off when it was made."""
        found = RULES_OFF.search(self.why)
        return found[1].split(", ") if found else []


def history_of(uri: str, name: str) -> list[AliasMove]:
    """All moves that are noted, the oldest first.

    Raises:
        ModelError: There is no such registered model.
    """
    return read_history(model_tags(uri, name).get(HISTORY))


def read_history(text: str | None) -> list[AliasMove]:
    """The moves in a tag's value; one that somebody else wrote is none."""
    try:
        entries: Any = json.loads(text or "[]")
        return [AliasMove(**entry) for entry in entries]
    except (ValueError, TypeError):
        return []


def day_of(move: AliasMove) -> str:
    """When a move was made, as `2026-03-01` in UTC."""
    return datetime.fromtimestamp(move.at, UTC).strftime("%Y-%m-%d")


def as_tag(moves: Sequence[AliasMove]) -> str:
    """The newest moves, as many as a tag holds."""
    entries = [move._asdict() for move in moves]
    text = json.dumps(entries, separators=(",", ":"))
    while len(text) > MOST_SIGNS:
        entries = entries[1:]
        text = json.dumps(entries, separators=(",", ":"))
    return text


def set_alias(uri: str, registered: RegisteredVersion, alias: str, *, why: str = PROMOTED) -> str | None:
    """Point an alias to a version and note it in the model's `alias_history`.

    Returns:
        The version that had the alias before, if any.
    """
    return _move(uri, registered.name, alias, registered.version, why)


def drop_alias(uri: str, name: str, alias: str, *, why: str = DROPPED) -> None:
    """Take an alias from whoever has it, and note that."""
    _move(uri, name, alias, None, why)


def rolled_back_from(moves: Sequence[AliasMove], alias: str, now: str | None) -> str | None:
    """The version that an alias was last taken back from, for another one that had it before; None if there is none.

    Args:
        moves: The history, the oldest first.
        alias: Its name.
        now: Who has it.
    """
    gone = {now, *holders_before(moves, alias, now)}
    taken = [move.before for move in moves if move.alias == alias and move.why == ROLLED_BACK]
    return next((version for version in reversed(taken) if version is not None and version not in gone), None)


def rules_off_for(moves: Sequence[AliasMove], alias: str, version: str) -> list[str] | None:
    """The rules that were switched off when a version was last promoted to an alias; None if that is not noted."""
    for move in reversed(moves):
        if (move.alias, move.version) == (alias, version) and move.why.startswith(PROMOTED):
            return move.rules_off
    return None


def holders_before(moves: Sequence[AliasMove], alias: str, now: str | None) -> list[str]:
    """Versions that had an alias before the one that has it now, the last one first; what was rolled back is gone.

    Args:
        moves: The history, the oldest first.
        alias: Its name.
        now: Who has it.
    """
    held: list[str] = []
    for move in moves:
        if move.alias != alias or move.version is None:
            continue
        if move.why == ROLLED_BACK and move.version in held:
            while held[-1] != move.version:
                held.pop()
            continue
        if not held and move.before is not None:
            held.append(move.before)
        if not held or held[-1] != move.version:
            held.append(move.version)
    if held and held[-1] == now:
        held.pop()
    return [version for version in reversed(held) if version != now]


def _move(uri: str, name: str, alias: str, version: str | None, why: str) -> str | None:
    client = client_of(uri)
    before = alias_version(uri, name, alias)
    with answering(uri):
        if version is None:
            client.delete_registered_model_alias(name, alias)
        else:
            client.set_registered_model_alias(name, alias, version)
    moves = [*history_of(uri, name), AliasMove(alias, version, before, int(time.time()), why)]
    with answering(uri):
        client.set_registered_model_tag(name, HISTORY, as_tag(moves))
    return before
