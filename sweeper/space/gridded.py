"""A search space with a finite number of points, for what runs each once."""

from dataclasses import replace

from slimtune.sweeper.space.dimension import Dimension, FloatRange, Space, choice_of
from slimtune.sweeper.space.search_space import SearchSpace
from slimtune.sweeper.space.unit_interval import value_at_share


def gridded(space: SearchSpace, points: int) -> SearchSpace:
    """The space with `points` values in each dimension that has no end of them; the others stay whole."""
    branches = tuple(replace(branch, space=_gridded(branch.space, points)) for branch in space.branches)
    return SearchSpace(_gridded(space.common, points), branches)


def _gridded(space: Space, points: int) -> Space:
    return {key: _values(dimension, points) for key, dimension in space.items()}


def _values(dimension: Dimension, points: int) -> Dimension:
    if not isinstance(dimension, FloatRange) or dimension.step is not None or dimension.low == dimension.high:
        return dimension
    between = [value_at_share(dimension, index / (points - 1)) for index in range(1, points - 1)]
    # as a person would write them
    return choice_of([dimension.low, *(float(f"{value:.6g}") for value in between), dimension.high])
