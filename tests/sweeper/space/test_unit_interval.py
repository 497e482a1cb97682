import math

import pytest

from slimtune.sweeper.space.dimension import Choice, Dimension, FloatRange, IntRange, values_of
from slimtune.sweeper.space.gridded import gridded
from slimtune.sweeper.space.search_space import Branch, SearchSpace
from slimtune.sweeper.space.unit_interval import share_of, value_at_share

NUMBERS = [
    FloatRange(0.0, 1.0),
    FloatRange(1e-6, 1e-2, log=True),
    FloatRange(0.1, 0.5, step=0.1),
    IntRange(-3, 8),
    IntRange(8, 64, log=True),
    IntRange(0, 30, step=5),
]


@pytest.mark.parametrize("dimension", NUMBERS)
def test_both_ends_are_met_and_nothing_lies_beyond(dimension: FloatRange | IntRange) -> None:
    assert value_at_share(dimension, 0.0) == dimension.low
    assert value_at_share(dimension, 1.0) == pytest.approx(dimension.high)
    found = [value_at_share(dimension, index / 100) for index in range(101)]
    assert all(dimension.low <= float(value or 0) <= dimension.high for value in found)


@pytest.mark.parametrize("dimension", NUMBERS)
def test_a_number_lies_where_it_was_found(dimension: FloatRange | IntRange) -> None:
    for index in range(101):
        value = value_at_share(dimension, index / 100)
        assert isinstance(value, int | float)
        assert value_at_share(dimension, share_of(dimension, value)) == pytest.approx(value)


@pytest.mark.parametrize("dimension", [Choice(("a", "b", "c")), IntRange(1, 5), FloatRange(0.1, 0.5, step=0.1)])
def test_each_value_has_as_much_room(dimension: Dimension) -> None:
    found = [value_at_share(dimension, (index + 0.5) / 600) for index in range(600)]
    counts = {value: found.count(value) for value in values_of(dimension)}
    assert max(counts.values()) - min(counts.values()) <= 1


def test_a_log_range_is_even_in_its_logarithm() -> None:
    middle = value_at_share(FloatRange(1e-6, 1e-2, log=True), 0.5)
    assert isinstance(middle, float)
    assert math.isclose(middle, 1e-4, rel_tol=1e-9)


def test_a_grid_leaves_finite_dimensions_whole() -> None:
    """Real numbers get values as a person would write them, also those of one branch."""
    branch = Branch(choices={"m": "lora"}, space={"d": FloatRange(0.0, 1.0)}, fixed=())
    space = SearchSpace(
        {"m": Choice(("lora",)), "r": IntRange(1, 9), "lr": FloatRange(1e-5, 1e-3, log=True)}, (branch,)
    )
    grid = gridded(space, 3)
    assert grid.common["r"] == IntRange(1, 9)
    assert grid.common["lr"] == Choice((1e-5, 1e-4, 1e-3))
    assert grid.branches[0].space["d"] == Choice((0.0, 0.5, 1.0))
    assert grid.num_points() == 81
