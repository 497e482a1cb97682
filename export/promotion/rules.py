"""The rules of the gate: each says passed, refused or not known of a model, with the numbers."""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import NamedTuple

from slimtune.export.promotion.config import PromotionConfig, override_without, rules_off
from slimtune.export.promotion.facts import ModelFacts
from slimtune.training.config.score_range import FEW_ROWS, MORE_ROWS, is_best, rows_of_room, who_beats
from slimtune.training.listed_names import counted
from slimtune.training.tracking.display import short_name

NO_LEAK, CONFIDENCE, MIN_GAIN = "no_leak", "confidence", "min_gain"
# why near leaks were kept although they were to be left out
SHARED = (
    ", for they are more than a tenth of all, which data.drop_leaks does not leave out: take the near copies out of "
    "the file, or keep them on one side by data.group_column"
)


class Outcome(Enum):
    """What a rule says."""

    passed = "passed"
    refused = "refused"
    unknown = "not known"
    # of the gain alone: it may be an accident of the rows
    unproven = "not shown"
    # it is one of the usual ones, and the config has taken it away
    off = "switched off"


class RuleResult(NamedTuple):
    """One rule on one model.

    Attributes:
        rule: Its key in the section `promotion`.
        outcome: What it says.
        told: Why, in words and numbers.
    """

    rule: str
    outcome: Outcome
    told: str


def rules_apart(facts: ModelFacts, config: PromotionConfig, *, reviewed_by: str | None) -> list[RuleResult]:
    """Every rule that is asked for and needs no other model, and those that were switched off.

    Args:
        facts: Of the model.
        config: Which rules there are.
        reviewed_by: Who has looked at it, if anybody did.
    """
    asked: Sequence[tuple[bool, Callable[[], RuleResult]]] = (
        (config.verified, lambda: _verified(facts)),
        (config.beats_baseline, lambda: _beats_baseline(facts)),
        (config.no_leak, lambda: _no_leak(facts)),
        (config.max_size_mb is not None, lambda: _at_most("max_size_mb", facts.size_mb, config.max_size_mb, "MB")),
        (
            config.max_latency_ms is not None,
            lambda: _at_most("max_latency_ms", facts.latency_ms, config.max_latency_ms, "ms a row"),
        ),
        (config.human_review, lambda: _reviewed(reviewed_by)),
    )
    told = [rule() for is_asked, rule in asked if is_asked]
    return [*told, *(RuleResult(rule, Outcome.off, override_without(rule)) for rule in rules_off(config))]


def _verified(facts: ModelFacts) -> RuleResult:
    if facts.verified is None:
        return RuleResult("verified", Outcome.unknown, "it has no record of a comparison with PyTorch")
    outcome = Outcome.passed if facts.verified else Outcome.refused
    return RuleResult("verified", outcome, facts.checked)


def _beats_baseline(facts: ModelFacts) -> RuleResult:
    name, best = "beats_baseline", facts.best_baseline
    if facts.score is None or facts.metric is None or best is None:
        return RuleResult(name, Outcome.unknown, f"it has no record of simple models' {facts.metric or 'scores'}")
    is_better = facts.score > best[1] if facts.maximize else facts.score < best[1]
    told = f"{facts.metric} {facts.score:z.4f}, and {short_name(best[0])} has {best[1]:z.4f}"
    if facts.num_rows is None:
        return RuleResult(name, Outcome.passed if is_better else Outcome.refused, told)
    told = f"{told}, both on the {counted(facts.num_rows, 'validation row')} of its training"
    if is_better:
        return RuleResult(name, Outcome.passed, told)
    told = f"{told}, whatever rows promote --data gives{_who_passes(facts, best[1], facts.num_rows)}"
    return RuleResult(name, Outcome.refused, told)


def _who_passes(facts: ModelFacts, baseline: float, num_rows: int) -> str:
    """That hardly a model can be better, or none, as the end of a sentence; empty where many can."""
    room = rows_of_room(str(facts.metric), baseline, num_rows)
    if room is None and facts.best_score is not None and is_best(baseline, facts.best_score, maximize=facts.maximize):
        most = f"{facts.best_score:.4f} is the best {facts.metric} that these rows let a model have"
        return f": no model passes, since {most}; train by another task.metric, or with other rows in validation"
    if room is None or room > FEW_ROWS:
        return ""
    passes = f"only {who_beats(room)} passes" if room else "no model passes"
    return f": {passes}; {MORE_ROWS}"


def _no_leak(facts: ModelFacts) -> RuleResult:
    if facts.leaks is None:
        return RuleResult(NO_LEAK, Outcome.unknown, "it has no record of training rows that are held-out rows")
    if facts.leaks["near"] is None:
        why = "nearly equal rows were not looked for, by data.near_duplicates=false"
        return RuleResult(NO_LEAK, Outcome.unknown, why)
    near, is_removed = int(facts.leaks["near"]), bool(facts.leaks["removed"])
    if near and not is_removed:
        why = SHARED if facts.leaks.get("shared") else " by data.drop_leaks=false"
        told = f"{counted(near, 'training row is', 'training rows are')} nearly a held-out row and kept{why}"
        return RuleResult(NO_LEAK, Outcome.refused, told)
    removed = int(facts.leaks["exact"]) + near
    told = f"{removed:,} such training rows were removed" if removed else "no training row is nearly a held-out row"
    return RuleResult(NO_LEAK, Outcome.passed, told)


def _at_most(rule: str, found: float | None, limit: float | None, unit: str) -> RuleResult:
    assert limit is not None
    if found is None:
        return RuleResult(rule, Outcome.unknown, "it has no record of that")
    told = f"{found:z.4g} {unit}, and {limit:g} are allowed"
    return RuleResult(rule, Outcome.passed if found <= limit else Outcome.refused, told)


def _reviewed(by: str | None) -> RuleResult:
    if not by:
        told = "nobody has looked at it: give --reviewed-by NAME, or set the version's tag reviewed_by"
        return RuleResult("human_review", Outcome.refused, told)
    return RuleResult("human_review", Outcome.passed, f"reviewed by {by}")
