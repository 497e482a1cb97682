from collections.abc import Iterator
from typing import Any

import hydra
import pytest
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra

from slimtune.sweeper.space.dimension import Choice, Dimension, FloatRange, IntRange
from slimtune.sweeper.space.override_text import chosen_value
from slimtune.sweeper.space.sweep_syntax import read_arguments
from slimtune.training.errors import ConfigError


@pytest.fixture
def loader() -> Iterator[ConfigLoader]:
    with hydra.initialize_config_module("slimtune.conf", version_base="1.3"):
        yield GlobalHydra.instance().config_loader()


@pytest.mark.parametrize(
    ("argument", "dimension"),
    [
        ("x=choice(8,16)", Choice((8, 16))),
        ("x=8,16", Choice((8, 16))),
        ("x='a b','c,d'", Choice(("a b", "c,d"))),
        ("x=[1,2],[3]", Choice(("[1,2]", "[3]"))),
        ("x=interval(0,1)", FloatRange(0.0, 1.0)),
        ("x=tag(log,interval(1e-5,1e-3))", FloatRange(1e-5, 1e-3, log=True)),
        ("x=int(interval(1,8))", IntRange(1, 8)),
        ("x=range(1,4)", IntRange(1, 3)),
        ("x=range(0,9,3)", IntRange(0, 6, step=3)),
        ("x=tag(log,range(1,9))", IntRange(1, 8, log=True)),
        ("x=range(0,0.75,0.25)", Choice((0.0, 0.25, 0.5))),
        ("method=glob(lora*)", Choice(("lora", "lora_bert"))),
    ],
)
def test_hydras_sweep_syntax_becomes_a_dimension(loader: ConfigLoader, argument: str, dimension: Dimension) -> None:
    """The stop of a range is excluded, as in Hydra's own sweeper; quotes keep commas and spaces."""
    given = read_arguments([argument], loader)
    assert given.fixed == []
    (found,) = given.space.values()
    assert found == dimension


def test_plain_overrides_are_fixed(loader: ConfigLoader) -> None:
    given = read_arguments(["fit.batch_size=8", "+new=1", "+other=1,2"], loader)
    assert given.fixed == ["fit.batch_size=8", "+new=1"]
    assert given.fixed_keys == {"fit.batch_size", "new"}
    assert given.added == {"new", "other"}
    assert given.space == {"other": Choice((1, 2))}


def test_a_range_without_values_is_an_error(loader: ConfigLoader) -> None:
    with pytest.raises(ConfigError, match="has no value"):
        read_arguments(["x=range(3,3)"], loader)


@pytest.mark.parametrize(
    ("argument", "values"),
    [
        ('x=["q"],["q","v"]', [["q"], ["q", "v"]]),
        ('x=choice(["a"],[a,"b c"])', [["a"], ["a", "b c"]]),
        ('x=["0","1"],["1",0]', [["0", "1"], ["1", 0]]),
        ('x=[["a"],[]],[[\'b\',["true"]]]', [[["a"], []], [["b", ["true"]]]]),
        ('x={a: "1", b c: ["x,y"]},{a/b: {d: "null"}}', [{"a": "1", "b c": ["x,y"]}, {"a/b": {"d": "null"}}]),
        ('x=shuffle(choice(["a"],["a"]))', [["a"]]),
    ],
)
def test_quoted_texts_are_texts_at_every_depth(loader: ConfigLoader, argument: str, values: list[Any]) -> None:
    (found,) = read_arguments([argument], loader).space.values()
    assert isinstance(found, Choice)
    assert [chosen_value(one) for one in found.values] == values


def test_a_list_is_the_same_with_quotes_and_without(loader: ConfigLoader) -> None:
    assert read_arguments(['x=["q"],["q","v"]'], loader).space == read_arguments(["x=[q],[q,v]"], loader).space
