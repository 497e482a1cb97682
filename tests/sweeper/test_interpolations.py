import pytest
from omegaconf import OmegaConf

from slimtune.sweeper.config_values import plain
from slimtune.sweeper.interpolations import interpolation_problems
from slimtune.training.errors import ConfigError


def test_each_is_told_with_the_key_where_it_stands() -> None:
    config = OmegaConf.create(
        {"fit": {"epochs": "${fit.epoch}", "names": ["a", "${nosuch}"]}, "x": "${oc.env:NO_SUCH}", "y": "${fit.names}"}
    )
    told = interpolation_problems(config)
    assert list(told) == ["fit.epochs", "fit.names.1", "x"]
    assert (
        told["fit.epochs"] == "fit.epochs is ${fit.epoch}, and there is no key 'fit.epoch'; did you mean 'fit.epochs'?"
    )
    assert told["x"].startswith("x is ${oc.env:NO_SUCH}, which has no value: ")
    with pytest.raises(ConfigError) as raised:
        plain(config)
    assert list(raised.value.problems) == list(told.values())


def test_a_circle_is_told() -> None:
    config = OmegaConf.create({"a": "${b}", "b": "${a}"})
    assert list(interpolation_problems(config)) == ["a", "b"]


def test_what_leads_somewhere_is_not_told() -> None:
    assert interpolation_problems(OmegaConf.create({"a": "${b.c}", "b": {"c": None}, "d": "???", "e": None})) == {}
