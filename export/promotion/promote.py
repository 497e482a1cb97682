"""A challenger and the gate: compared with whoever has the alias, then the alias is moved, by one process at a time."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from slimtune.export.bundle.bundle import Bundle
from slimtune.export.config import ALIAS_RULE, CHALLENGER, is_alias
from slimtune.export.promotion.candidate import Candidate
from slimtune.export.promotion.compared_rows import Rows, own_rows
from slimtune.export.promotion.config import PromotionConfig
from slimtune.export.promotion.gate import GateDecision, GateVerdict, Opponent, decide, is_shown_worse, reservations
from slimtune.export.promotion.report import gate_report, keep_report
from slimtune.export.registry.alias_lock import MOST_ROUNDS, alias_lock, changed_hands
from slimtune.export.registry.aliases import NOT_BETTER, PROMOTED, WORSE, day_of, drop_alias, history_of, set_alias
from slimtune.export.registry.mlflow_registry import (
    FilesGone,
    RegisteredVersion,
    alias_version,
    fetch_model,
    has_model,
    is_registered,
)
from slimtune.export.registry.version_notes import version_tags
from slimtune.training.errors import ModelError

REVIEWED_BY = "reviewed_by"


class PromotionRequest(NamedTuple):
    """What is asked.

    Attributes:
        uri: Of the MLflow store.
        config: The gate's rules.
        alias: What is asked for.
        rows: Finds the rows to compare on; None takes the challenger's own validation rows.
        trust: Whether code that the models' files name may be run.
        is_dry: Whether nothing is to be moved or written.
        reviewed_by: Who has looked at the challenger; None asks the version's tag.
    """

    uri: str
    config: PromotionConfig
    alias: str
    rows: Callable[[Bundle], Rows] | None = None
    trust: bool = False
    is_dry: bool = False
    reviewed_by: str | None = None


class Promotion(NamedTuple):
    """What became of it.

    Attributes:
        decision: What the gate said; None if it had the alias already.
        alias: What it has now; None if it got none.
        before: The version that had that alias before, of a dry run the one that has it; None if it got none.
        report: As it is kept.
        is_dropped: Whether it was challenger, and is so no more: it is worse.
    """

    decision: GateDecision | None
    alias: str | None
    before: str | None
    report: Mapping[str, Any]
    is_dropped: bool = False


def promote(candidate: Candidate, request: PromotionRequest) -> Promotion:
    """Compare, decide, move.

    The comparison takes a while, and no lock is held meanwhile: if somebody else has won the alias when it is to be
    moved, the candidate is compared with that one.

    Raises:
        DataError: Rows that the user gave cannot be read.
        ModelError: A model cannot be opened or scored, or the alias is none that may be asked for.
        StoreError: The alias changes hands all the time, or the store cannot be used.
    """
    if not is_alias(request.alias):
        raise ModelError(f"the alias is '{request.alias}'; {ALIAS_RULE}")
    for _ in range(MOST_ROUNDS):
        champion = _holder(candidate, request)
        if candidate.version is not None and champion == candidate.version.version:
            return Promotion(None, request.alias, champion, {"model": candidate.uri, "verdict": "already", "rules": []})
        decision = decide(
            candidate.model,
            _opponent(candidate, champion, request),
            request.config,
            reviewed_by=_reviewer(candidate, request),
        )
        report = gate_report(decision, request.config, model=candidate.uri, alias=request.alias, champion=champion)
        if request.is_dry or candidate.version is None:
            won, is_dropped = _won(decision, request), _loses(candidate, decision, request)
            return Promotion(decision, won, _holder_of(won, candidate, request), report, is_dropped)
        with alias_lock(request.uri, candidate.name) as lock:
            is_same = _holder(candidate, request) == champion
            lock.check()
            is_dropped = is_same and _loses(candidate, decision, request)
            before = _move(candidate.version, decision, request) if is_same else None
            if is_dropped:
                drop_alias(request.uri, candidate.name, CHALLENGER, why=WORSE)
        if is_same:
            # uploaded, so not under the lock
            keep_report(request.uri, candidate.version, report)
            return Promotion(decision, _won(decision, request), before, report, is_dropped)
    raise changed_hands(candidate.name, request.alias)


def _won(decision: GateDecision, request: PromotionRequest) -> str | None:
    match decision.verdict:
        case GateVerdict.promoted:
            return request.alias
        case GateVerdict.challenger:
            return CHALLENGER
        case GateVerdict.refused:
            return None


def _loses(candidate: Candidate, decision: GateDecision, request: PromotionRequest) -> bool:
    """Whether it is challenger, and is shown to be worse."""
    if candidate.version is None or not is_shown_worse(decision):
        return False
    return alias_version(request.uri, candidate.name, CHALLENGER) == candidate.version.version


def _move(version: RegisteredVersion, decision: GateDecision, request: PromotionRequest) -> str | None:
    """The version that had the alias before which it gets; nothing is given to one that is refused."""
    won = _won(decision, request)
    if won is None:
        return None
    challenger = alias_version(request.uri, version.name, CHALLENGER)
    if won == CHALLENGER and challenger == version.version:
        return challenger
    why = PROMOTED if decision.verdict is GateVerdict.promoted else NOT_BETTER
    if without := reservations(decision.rules):
        why = f"{why} ({'; '.join(without)})"
    before = set_alias(request.uri, version, won, why=why)
    if won != CHALLENGER and challenger == version.version:
        drop_alias(request.uri, version.name, CHALLENGER)
    return before


def _holder(candidate: Candidate, request: PromotionRequest) -> str | None:
    return _holder_of(request.alias, candidate, request)


def _holder_of(alias: str | None, candidate: Candidate, request: PromotionRequest) -> str | None:
    if alias is None or not has_model(request.uri, candidate.name):
        return None
    return alias_version(request.uri, candidate.name, alias)


def _opponent(candidate: Candidate, champion: str | None, request: PromotionRequest) -> Opponent:
    rows = request.rows or (lambda bundle: own_rows(bundle, trust=request.trust))
    if champion is None:
        return Opponent(None, _why_nobody(candidate, request), rows, request.trust)
    try:
        model = fetch_model(request.uri, RegisteredVersion(candidate.name, champion).uri, trust=request.trust)
    except FilesGone:
        told = f"the {request.alias}'s files, of version {champion}, are gone; it was compared with nobody"
        return Opponent(None, told, rows, request.trust)
    return Opponent(model, "", rows, request.trust)


def _why_nobody(candidate: Candidate, request: PromotionRequest) -> str:
    """What the history knows of an alias that no version has."""
    moves = history_of(request.uri, candidate.name) if has_model(request.uri, candidate.name) else []
    last = next((move for move in reversed(moves) if move.alias == request.alias), None)
    if last is None:
        return f"there was no {request.alias}"
    version = last.version if last.version is not None else last.before
    if last.version is None:
        why = f"which was taken from it on {day_of(last)}"
    elif is_registered(request.uri, candidate.name, last.version):
        why = f"since {day_of(last)}, and was given no successor"
    else:
        why = f"since {day_of(last)}, and is not in the registry any more"
    return f"the last {request.alias} was version {version}, {why}; it was compared with nobody"


def _reviewer(candidate: Candidate, request: PromotionRequest) -> str | None:
    if request.reviewed_by is not None or candidate.version is None:
        return request.reviewed_by
    return version_tags(request.uri, candidate.version).get(REVIEWED_BY)
