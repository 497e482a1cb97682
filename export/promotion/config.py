"""The type of the config's section `promotion`. Values live in `conf/promotion/`; nothing here has a default."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib import resources
from typing import Any

import yaml
from omegaconf import OmegaConf

from slimtune.training.config.schema import Parsed, Rule, above_zero, not_negative, option_suggestion, parse_section
from slimtune.training.errors import ConfigError

PROMOTION = "promotion"
DEFAULT = "default"
# keys that take no rule away: what passes since nothing is known of it is told as such
NO_RULES = ("allow_unknown",)
# the option of `slimtune promote` that leaves out rows which the challenger was trained on
LEAVE_OUT_KNOWN = "--leave-out-known"


def _between() -> dict[str, Rule]:
    return {"rule": Rule("use a share between 0 and 1, e.g. 0.95; null makes no test", lambda value: 0 < value < 1)}


@dataclass(slots=True, kw_only=True)
class PromotionConfig:
    """What a version must pass before it gets an alias that another one has, or that nobody has yet.

    Attributes:
        min_gain: Least gain of the task's metric over the champion's, on the same rows; the gain is above 0 in any
            case. Null compares nothing.
        confidence: Of the paired test that the gain is no accident of these rows; null makes no test.
        max_size_mb: Largest model file in 10^6 bytes; null is no limit.
        max_latency_ms: Longest median time of one row, as the export measured it; null is no limit.
        verified: Whether the export must have compared it with PyTorch, and found it within its limits.
        beats_baseline: Whether it must be better than the simple models that the data report has.
        no_leak: Whether no training row may be (nearly) one of the rows that it is measured on.
        human_review: Whether a person must have looked at it: the version's tag `reviewed_by`.
        allow_unknown: Whether a rule passes of which nothing is known.
    """

    min_gain: float | None = field(metadata=not_negative(0.01))
    confidence: float | None = field(metadata=_between())
    max_size_mb: float | None = field(metadata=above_zero(30))
    max_latency_ms: float | None = field(metadata=above_zero(10))
    verified: bool
    beats_baseline: bool
    no_leak: bool
    human_review: bool
    allow_unknown: bool


def parse_promotion(values: Any) -> Parsed[PromotionConfig]:
    """The section `promotion`, or every problem in it."""
    return parse_section(PromotionConfig, values, PROMOTION)


def promotion_config(overrides: Sequence[str] = ()) -> PromotionConfig:
    """The config group `promotion`, with overrides as on the command line.

    Args:
        overrides: Such as `promotion=strict` and `promotion.min_gain=0.01`; the last one of a key holds.

    Raises:
        ConfigError: An option, a key or a value is wrong; all problems at once.

    Example:
        >>> promotion_config(["promotion=strict", "promotion.min_gain=0.02"]).min_gain
        0.02
    """
    option, changes, problems = DEFAULT, {}, []
    for override in overrides:
        key, is_set, text = override.partition("=")
        name = key.lstrip("+").removeprefix(f"{PROMOTION}.")
        if not is_set or not (key == PROMOTION or key.lstrip("+").startswith(f"{PROMOTION}.")):
            problems.append(f"{override} is given; use keys of the group promotion, e.g. promotion.min_gain=0.01")
        elif key == PROMOTION:
            option = text
        else:
            changes[name] = _value(text)
    if option not in _options():
        problems.append(f"promotion={option} is not an option; {option_suggestion(option, _options())}")
        option = DEFAULT
    parsed = parse_promotion({**_file(option), **changes})
    if problems or parsed.problems:
        raise ConfigError([*problems, *parsed.problems])
    return parsed.section


def gate_overrides(config: PromotionConfig) -> list[str]:
    """Overrides of `promotion=default` that give this config.

    Example:
        >>> gate_overrides(promotion_config(["promotion.min_gain=0.02", "promotion.no_leak=false"]))
        ['promotion.min_gain=0.02', 'promotion.no_leak=false']
    """
    usual = promotion_config()
    values = {one.name: getattr(config, one.name) for one in fields(config)}
    return [
        f"{PROMOTION}.{name}={json.dumps(value)}" for name, value in values.items() if value != getattr(usual, name)
    ]


def rules_off(config: PromotionConfig) -> list[str]:
    """Rules that `promotion=default` has and this config has not."""
    usual = promotion_config()
    rules = [one.name for one in fields(config) if one.name not in NO_RULES]
    return [rule for rule in rules if not _is_asked(config, rule) and _is_asked(usual, rule)]


def taken_away(rules: Sequence[str]) -> str:
    """How rules are taken away, as the end of a sentence."""
    one = len(rules) == 1
    overrides = " ".join(map(override_without, rules))
    return f"{overrides} {'takes this rule' if one else 'take these rules'} away"


def override_without(rule: str) -> str:
    """The override that takes a rule away."""
    types = {one.name: one.type for one in fields(PromotionConfig)}
    return f"{PROMOTION}.{rule}={'false' if types[rule] is bool else 'null'}"


def _is_asked(config: PromotionConfig, rule: str) -> bool:
    # a least gain of 0 is one
    return getattr(config, rule) is not None and getattr(config, rule) is not False


def _value(text: str) -> Any:
    if not text.strip():
        # YAML reads it as null, which takes a rule away; a variable of the shell that is not set shall not
        return ""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        # what it is instead is told with its key
        return text


def _options() -> list[str]:
    files = resources.files("slimtune.conf").joinpath(PROMOTION).iterdir()
    return sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml"))


def _file(name: str) -> dict[str, Any]:
    text = resources.files("slimtune.conf").joinpath(f"{PROMOTION}/{name}.yaml").read_text(encoding="utf-8")
    values: Mapping[str, Any] = OmegaConf.to_container(OmegaConf.create(text))  # type: ignore[assignment]
    before = _file(DEFAULT) if DEFAULT in values.get("defaults", ()) else {}
    return {**before, **{str(key): value for key, value in values.items() if key != "defaults"}}


def promotion_keys() -> list[str]:
    """Dotted."""
    return [f"{PROMOTION}.{item.name}" for item in fields(PromotionConfig)]
