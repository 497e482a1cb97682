"""An alias, given back to the version that had it before."""

import shlex
from collections.abc import Sequence
from typing import NamedTuple

from slimtune.export.promotion.config import override_without, promotion_config
from slimtune.export.promotion.facts import model_facts
from slimtune.export.promotion.rules import CONFIDENCE, MIN_GAIN, Outcome, rules_apart
from slimtune.export.registry.alias_lock import MOST_ROUNDS, alias_lock, changed_hands
from slimtune.export.registry.aliases import (
    ROLLED_BACK,
    history_of,
    holders_before,
    rolled_back_from,
    rules_off_for,
    set_alias,
)
from slimtune.export.registry.mlflow_registry import FilesGone, RegisteredVersion, alias_version, fetch_model
from slimtune.training.config.near_names import nearest_name
from slimtune.training.errors import ModelError, NotPromoted


class RolledBack(NamedTuple):
    """What was done.

    Attributes:
        version: Who has the alias now.
        before: Who had it.
        passed_over: Why versions between them did not get it.
    """

    version: RegisteredVersion
    before: str | None
    passed_over: Sequence[str]


def roll_back(uri: str, name: str, alias: str, *, is_dry: bool = False, trust: bool = False) -> RolledBack:
    """Give an alias to the last version that had it before and is still whole.

    Versions are downloaded and looked at without the lock; if the alias has moved meanwhile, it is begun anew.

    Raises:
        ModelError: There is no such registered model, or the alias is a slip of the pen for one of its own.
        NotPromoted: Nobody had the alias before, or nobody's files are there.
        StoreError: The alias changes hands all the time.
    """
    _check_alias(uri, name, alias)
    for _ in range(MOST_ROUNDS):
        holders = _holders(uri, name, alias)
        found = _whole(uri, name, holders, alias, trust=trust)
        if is_dry:
            return found
        with alias_lock(uri, name) as lock:
            if _holders(uri, name, alias) == holders:
                lock.check()
                set_alias(uri, found.version, alias, why=ROLLED_BACK)
                return found
    raise changed_hands(name, alias)


def _check_alias(uri: str, name: str, alias: str) -> None:
    known = {move.alias for move in history_of(uri, name)}
    near = nearest_name(alias, known) if alias not in known else None
    if near is not None and alias_version(uri, name, alias) is None:
        raise ModelError(f"no version of {name} has or had the alias '{alias}'; did you mean '{near}'?")


class _Holders(NamedTuple):
    """Who has an alias, who had it before, and from whom it was last taken back."""

    now: str | None
    before: Sequence[str]
    after: str | None


def _holders(uri: str, name: str, alias: str) -> _Holders:
    history = history_of(uri, name)
    now = alias_version(uri, name, alias)
    return _Holders(now, holders_before(history, alias, now), rolled_back_from(history, alias, now))


def _whole(uri: str, name: str, holders: _Holders, alias: str, *, trust: bool) -> RolledBack:
    """Who can have the alias again."""
    passed_over: list[str] = []
    for number in holders.before:
        version = RegisteredVersion(name, number)
        if (why := _fault(uri, version, trust=trust)) is None:
            return RolledBack(version, holders.now, passed_over)
        passed_over.append(why)
    raise NotPromoted(
        f"{_nobody(name, alias, holders, passed_over)}; slimtune history {shlex.quote(name)} shows who had it"
    )


def _nobody(name: str, alias: str, holders: _Holders, passed_over: Sequence[str]) -> str:
    """Why no version can have the alias again."""
    if passed_over:
        return f"no version of {name} had the alias {alias} before and can have it again: {'; '.join(passed_over)}"
    if holders.now is None:
        return f"no version of {name} has or had the alias {alias}: slimtune promote gives it"
    told = f"no version of {name} had the alias {alias} before version {holders.now}, which has it"
    return f"{told}; those that had it later are given it by slimtune promote" if holders.after else told


def overrides_forward(uri: str, version: RegisteredVersion, alias: str, *, trust: bool = False) -> list[str]:
    """Overrides of the usual rules by which a version gets back an alias that was rolled back from it.

    Args:
        uri: Of the store.
        version: The version.
        alias: The alias.
        trust: Whether libraries that its files name may be loaded.

    Returns:
        Without a least gain, and without the rules that were switched off when it got the alias; where the history
        does not know that, without those that refuse it now.
    """
    off = rules_off_for(history_of(uri, version.name), alias, version.version)
    if off is None:
        off = _refusing(uri, version, trust=trust)
    return [override_without(rule) for rule in dict.fromkeys((MIN_GAIN, *off)) if rule != CONFIDENCE]


def _refusing(uri: str, version: RegisteredVersion, *, trust: bool) -> list[str]:
    """The usual rules that a version does not pass; none where its files cannot be read, which a promotion says."""
    try:
        facts = model_facts(fetch_model(uri, version.uri, trust=trust))
    except ModelError:
        return []
    rules = rules_apart(facts, promotion_config(), reviewed_by=None)
    return [rule.rule for rule in rules if rule.outcome is Outcome.refused]


def _fault(uri: str, version: RegisteredVersion, *, trust: bool) -> str | None:
    """Why a version cannot be used; None if it can."""
    try:
        fetch_model(uri, version.uri, trust=trust)
    except FilesGone as gone:
        return str(gone)
    except ModelError as error:
        return f"{version.uri}: {error}"
    return None
