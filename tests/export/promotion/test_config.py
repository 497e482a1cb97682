import pytest

from slimtune.export.promotion.config import parse_promotion, promotion_config
from slimtune.training.errors import ConfigError
from tests.composed import plain_config


@pytest.mark.parametrize("option", ["default", "strict"])
def test_the_group_is_read_as_hydra_composes_it(option: str) -> None:
    """What `slimtune promote` takes and what a sweep takes is one config."""
    values = plain_config([f"promotion={option}", "data.train_file=x", "search.name=mine"])["promotion"]
    assert parse_promotion(values).section == promotion_config([f"promotion={option}"])


def test_overrides_are_values_of_yaml() -> None:
    config = promotion_config(["promotion.min_gain=null", "promotion.max_size_mb=30", "promotion.verified=false"])
    assert (config.min_gain, config.max_size_mb, config.verified) == (None, 30.0, False)


def test_all_problems_are_told_at_once() -> None:
    asked = ["promotion=strct", "promotion.min_gian=1", "promotion.confidence=95", "export=none"]
    with pytest.raises(ConfigError) as told:
        promotion_config(asked)
    assert told.value.problems == (
        "export=none is given; use keys of the group promotion, e.g. promotion.min_gain=0.01",
        "promotion=strct is not an option; did you mean 'strict'? known: default, strict",
        "promotion.min_gian is not a key; did you mean 'min_gain'?",
    )
    with pytest.raises(ConfigError, match=r"promotion\.confidence is 95; use a share between 0 and 1"):
        promotion_config(["promotion.confidence=95"])


@pytest.mark.parametrize("key", ["verified", "beats_baseline", "no_leak", "human_review", "allow_unknown"])
def test_null_where_true_or_false_belongs_is_answered_with_false(key: str) -> None:
    with pytest.raises(ConfigError) as told:
        promotion_config([f"promotion.{key}=null"])
    assert told.value.problems == (f"promotion.{key} is None; it must not be null; write false to take it away",)


@pytest.mark.parametrize("key", ["min_gain", "confidence", "max_size_mb", "verified"])
@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_value_takes_no_rule_away(key: str, empty: str) -> None:
    """`promotion.min_gain=$GAIN` of a variable that is not set; null alone takes the rule away."""
    with pytest.raises(ConfigError, match=rf"promotion\.{key} "):
        promotion_config([f"promotion.{key}={empty}"])
