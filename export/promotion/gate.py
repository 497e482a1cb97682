"""The gate: every rule on a challenger, its gain over the champion among them, and what becomes of it."""

import math
from collections.abc import Callable, Sequence
from enum import Enum
from typing import NamedTuple

from slimtune.export.bundle.adapter_folder import AdapterFolder
from slimtune.export.bundle.bundle import Bundle
from slimtune.export.evaluation.seen_rows import NoRows, UntrustedRows
from slimtune.export.promotion.compared_rows import Rows
from slimtune.export.promotion.comparison import Comparison, compare
from slimtune.export.promotion.config import LEAVE_OUT_KNOWN, PromotionConfig, taken_away
from slimtune.export.promotion.facts import ModelFacts, model_facts
from slimtune.export.promotion.rules import CONFIDENCE, MIN_GAIN, NO_LEAK, Outcome, RuleResult, rules_apart
from slimtune.export.registry.aliases import NOT_KNOWN, SWITCHED_OFF
from slimtune.export.registry.version_facts import Registrable
from slimtune.training.listed_names import agreeing, counted, with_commas

# of a rule that stands in the way
SAYS_OF = {Outcome.refused: "refuses it", Outcome.unknown: "is not known"}
# what scores both, behind the reason why that is not done
GIVE_DATA = "; give --data <labelled file> to score both"
GIVE_TRUST = (
    ": that alone scores both on the challenger's validation rows, where these are at hand; --data <labelled file> is "
    "to score both on other rows"
)


class GateVerdict(Enum):
    """What becomes of a model that asks for an alias."""

    promoted = "promoted"
    # every rule passes, and the gain is not shown
    challenger = "challenger"
    refused = "refused"


class GateDecision(NamedTuple):
    """What the gate says.

    Attributes:
        verdict: In a word.
        rules: Every rule that was asked for, and those that were switched off.
        comparison: With the champion; None if there was none, or nothing to compare by.
        reason: In one line.
    """

    verdict: GateVerdict
    rules: Sequence[RuleResult]
    comparison: Comparison | None
    reason: str


class Opponent(NamedTuple):
    """Whom a challenger is compared with, and on what.

    Attributes:
        champion: Who has the alias; None if nobody has it, or its files are gone.
        told: Why there is nobody, where there is not.
        rows: Finds the rows; raises `NoRows` if there are none.
        trust: Whether code that the bundles' configs name may be run.
    """

    champion: Registrable | None
    told: str
    rows: Callable[[Bundle], Rows]
    trust: bool = False


def decide(
    challenger: Registrable, against: Opponent, config: PromotionConfig, *, reviewed_by: str | None = None
) -> GateDecision:
    """Apply every rule.

    Args:
        challenger: Who asks for the alias.
        against: Whom it is compared with.
        config: The rules.
        reviewed_by: Who has looked at the challenger, if anybody did.

    Raises:
        DataError: Rows that the user gave cannot be read.
        ModelError: A model cannot be scored.
    """
    facts = model_facts(challenger)
    rules = rules_apart(facts, config, reviewed_by=reviewed_by)
    if config.min_gain is None:
        return _verdict(rules, None, config)
    comparison, gain = _gain(challenger, facts, against, config)
    if comparison is not None and comparison.num_seen and config.no_leak:
        rules = [_seen(comparison), *(rule for rule in rules if rule.rule != NO_LEAK)]
    return _verdict([gain, *_untested(gain, comparison, config), *rules], comparison, config)


def _untested(gain: RuleResult, comparison: Comparison | None, config: PromotionConfig) -> list[RuleResult]:
    """Of a gain that passes without the test that is asked for, that there was none."""
    is_asked = config.confidence is not None and gain.outcome is Outcome.passed
    if not is_asked or comparison is None or comparison.test is not None:
        return []
    return [RuleResult(CONFIDENCE, Outcome.unknown, "no paired test could be made of the gain")]


def _seen(comparison: Comparison) -> RuleResult:
    are = agreeing(comparison.num_seen, "is a training row", "are training rows")
    of = f"the {counted(comparison.num_rows, 'row')} of {comparison.rows}"
    told = f"{comparison.num_seen} of {of} {are} of its own"
    told = f"{told}: {LEAVE_OUT_KNOWN} compares on the other ones"
    return RuleResult(NO_LEAK, Outcome.refused, told)


def _verdict(rules: Sequence[RuleResult], comparison: Comparison | None, config: PromotionConfig) -> GateDecision:
    bad = [Outcome.refused] if config.allow_unknown else [Outcome.refused, Outcome.unknown]
    against = [rule for rule in rules if rule.outcome in bad]
    if against:
        told = [f"{rule.rule} {SAYS_OF[rule.outcome]}: {rule.told}" for rule in against]
        reason = "; ".join([*told, taken_away([rule.rule for rule in against])])
        return GateDecision(GateVerdict.refused, rules, comparison, reason)
    unproven = next((rule for rule in rules if rule.outcome is Outcome.unproven), None)
    if unproven is not None:
        return GateDecision(GateVerdict.challenger, rules, comparison, unproven.told)
    found = [rule.told for rule in rules if rule.rule == MIN_GAIN and rule.outcome is not Outcome.off]
    reason = "; ".join([*(found or ["it passes, and no gain is asked for"]), *reservations(rules)])
    return GateDecision(GateVerdict.promoted, rules, comparison, reason)


def switched_off(rules: Sequence[RuleResult]) -> list[str]:
    """The rules that were not asked, though they are among the usual ones."""
    return [rule.rule for rule in rules if rule.outcome is Outcome.off]


def reservations(rules: Sequence[RuleResult]) -> list[str]:
    """What a promotion does not say: rules that were switched off, and those that passed unknown."""
    unknown = [rule.rule for rule in rules if rule.outcome is Outcome.unknown]
    named = ((SWITCHED_OFF, switched_off(rules)), (NOT_KNOWN, unknown))
    return [f"{what}: {with_commas(found)}" for what, found in named if found]


def is_shown_worse(decision: GateDecision) -> bool:
    """Whether it is refused for it is worse than who has the alias, whatever else is said of it."""
    return decision.comparison is not None and any(
        rule.rule == MIN_GAIN and rule.outcome is Outcome.refused for rule in decision.rules
    )


def _gain(
    challenger: Registrable, facts: ModelFacts, against: Opponent, config: PromotionConfig
) -> tuple[Comparison | None, RuleResult]:
    champion = against.champion
    if champion is None:
        return None, RuleResult(MIN_GAIN, Outcome.passed, against.told)
    if (why := incomparable(challenger, champion)) is not None:
        return None, RuleResult(MIN_GAIN, Outcome.refused, why)
    if isinstance(challenger, AdapterFolder) or isinstance(champion, AdapterFolder) or challenger.manifest.genai:
        return _recorded(facts, model_facts(champion), config, "its graphs give no scores of rows", "")
    try:
        rows = against.rows(challenger)
    except NoRows as reason:
        repair = GIVE_TRUST if isinstance(reason, UntrustedRows) else GIVE_DATA
        return _recorded(facts, model_facts(champion), config, str(reason), repair)
    found = compare(challenger, champion, rows, confidence=config.confidence, trust=against.trust)
    if champion.manifest.training.data_fingerprint != facts.fingerprint:
        found = found._replace(notes=[*found.notes, "the champion was trained on other rows, perhaps on some of these"])
    return found, _judged(found, config)


def incomparable(challenger: Registrable, champion: Registrable) -> str | None:
    """Why two models cannot be compared; None if they can."""
    if isinstance(challenger, AdapterFolder) or isinstance(champion, AdapterFolder):
        is_same = isinstance(challenger, AdapterFolder) and isinstance(champion, AdapterFolder)
        return None if is_same else "one of the two is a folder of several adapters, and the other one is not"
    if _question(challenger) != _question(champion):
        return "the champion answers another kind of question (task, several labels, pairs of texts)"
    if set(challenger.labels) != set(champion.labels):
        return f"its labels are not the champion's ({with_commas(champion.labels)})"
    return None


def _question(bundle: Bundle) -> tuple[object, ...]:
    return bundle.kind.writes, bundle.kind if not bundle.kind.writes else None, bundle.multi_label, bundle.takes_pairs


def _recorded(
    own: ModelFacts, other: ModelFacts, config: PromotionConfig, why: str, repair: str
) -> tuple[Comparison | None, RuleResult]:
    """By the scores that both have of the same rows, where the rows are not at hand: there is no test."""
    if own.score is None or other.score is None or own.num_rows is None or own.metric is None:
        told = "the two have no score in common; promotion.min_gain=null compares nothing"
        return None, RuleResult(MIN_GAIN, Outcome.unproven, told)
    if own.fingerprint != other.fingerprint:
        told = f"the champion was measured on other rows, and {why}{repair}"
        return None, RuleResult(MIN_GAIN, Outcome.refused, told)
    if own.metric != other.metric:
        told = f"the champion was chosen by {other.metric}, the challenger by {own.metric}, and {why}{repair}"
        return None, RuleResult(MIN_GAIN, Outcome.refused, told)
    sign = 1.0 if own.maximize else -1.0
    note = f"by the scores that both have on record: {why}"
    gain = sign * (own.score - other.score)
    rows = "the validation rows of both, as recorded"
    found = Comparison(own.metric, rows, own.num_rows, own.score, other.score, gain, notes=[note])
    return found, _judged(found, config)


def _why_unproven(found: Comparison, config: PromotionConfig) -> str:
    """What decides where there is a test: p of the one that has it, the interval of the other."""
    assert config.confidence is not None
    least = f"p is not below {1 - config.confidence:.3g}, which alone decides"
    why = "its interval reaches 0" if found.p_value is None else least
    return f"{why} (promotion.confidence={config.confidence:g}; null makes no test)"


def _judged(found: Comparison, config: PromotionConfig) -> RuleResult:
    assert config.min_gain is not None
    told = found.told
    # without a test the numbers alone decide
    if found.is_worse or (found.test is None and found.gain < 0):
        return RuleResult(MIN_GAIN, Outcome.refused, f"{told}: worse")
    if not found.gain > 0 or math.isnan(found.gain):
        return RuleResult(MIN_GAIN, Outcome.unproven, f"{told}: not better; {taken_away([MIN_GAIN])}")
    if found.gain < config.min_gain:
        return RuleResult(
            MIN_GAIN,
            Outcome.unproven,
            f"{told}: less than promotion.min_gain={config.min_gain:g}; promotion.min_gain=0 asks for any gain",
        )
    if config.confidence is not None and found.is_better is None and not config.allow_unknown:
        return RuleResult(MIN_GAIN, Outcome.unknown, f"{told}: without a test")
    if found.is_better is False:
        return RuleResult(MIN_GAIN, Outcome.unproven, f"{told}: not shown to be better: {_why_unproven(found, config)}")
    return RuleResult(MIN_GAIN, Outcome.passed, told if found.test else f"{told}, without a test")
