"""Which examples share a row."""

import math

import numpy as np
import pytest

from slimtune.training.data.batching import BatchOrder
from slimtune.training.data.row_packing.layout import RowCost, row_layout_of
from slimtune.training.data.row_packing.saving import saved_share


@pytest.mark.parametrize("seed", range(5))
def test_every_example_stands_once_and_no_row_is_too_long(seed: int) -> None:
    """Whatever their lengths; and never more tokens than padding each to the longest takes."""
    lengths_N = np.random.default_rng(seed).integers(1, 60, size=17)
    layout = row_layout_of(lengths_N, RowCost(64))
    assert sorted(index for row in layout.rows_R for index in row) == list(range(17))
    assert max(int(lengths_N[list(row)].sum()) for row in layout.rows_R) == layout.width <= 64
    assert layout.filled <= 17 * lengths_N.max()


def test_rows_are_as_short_as_may_be() -> None:
    """Longer ones cost more, by their attention, and of equals the shorter are taken."""
    layout = row_layout_of(np.array([8, 2, 2, 4, 8]), RowCost(1000))
    assert (len(layout.rows_R), layout.width) == (3, 8)


def test_a_row_may_be_as_long_as_its_attention_is_cheap() -> None:
    """Examples that do not fill rows of their length share one where attention costs nothing, and else stay rows."""
    lengths_N = np.array([7, 6, 6])
    assert row_layout_of(lengths_N, RowCost(64)).width == 19
    assert row_layout_of(lengths_N, RowCost(64, double=8)).width == 7


def test_examples_of_one_length_stay_rows() -> None:
    """Nothing would be saved."""
    assert row_layout_of(np.array([5, 5, 5]), RowCost(64)).rows_R == [[0], [1], [2]]


def test_an_example_may_be_longer_than_the_longest_row() -> None:
    """It is what it is."""
    assert row_layout_of(np.array([9, 3]), RowCost(4)).width == 9


def test_what_is_saved_is_known_before() -> None:
    """Of rows of one length nothing; of one long row beside many short ones, most."""

    def share(lengths: list[int]) -> float:
        lengths_N = np.array(lengths)
        order = BatchOrder(lengths_N, batch_size=8, seed=0)
        return saved_share(lengths_N, order, rows_at_once=8, cost=RowCost(64))

    assert share([7] * 32) == 0
    assert share([56, *[8] * 7]) == pytest.approx(1 - 2 / 8)


def to_four(length: int) -> int:
    return -(-length // 4) * 4


def test_shared_rows_are_of_one_length_where_rows_are_filled_up() -> None:
    """So that batches of a trial have few shapes."""
    cost = RowCost(15, lengthen=to_four)
    layouts = [row_layout_of(np.array(lengths), cost) for lengths in ([7, 4, 3], [9, 9, 3, 3], [15])]
    assert [(len(one.rows_R), one.width) for one in layouts] == [(1, 16), (2, 16), (1, 16)]


@pytest.mark.parametrize("lengths", [[3, 4, 3], [9, 9], [2], [6, 6, 6]])
def test_rows_of_their_own_are_taken_where_they_are_filled_up_to_less(lengths: list[int]) -> None:
    """Few short examples would fill a row of the longest width with padding."""
    layout = row_layout_of(np.array(lengths), RowCost(15, lengthen=to_four))
    assert (list(layout.rows_R), layout.width) == ([[index] for index in range(len(lengths))], to_four(max(lengths)))


@pytest.mark.parametrize("double", [math.inf, 20])
@pytest.mark.parametrize("seed", range(5))
def test_filled_up_rows_cost_no_more_than_rows_of_their_own(seed: int, double: float) -> None:
    """As they would be filled up; and no example is lost."""
    lengths_N = np.random.default_rng(seed).integers(1, 20 + 10 * seed, size=7)
    cost = RowCost(61, double, to_four)
    layout = row_layout_of(lengths_N, cost)
    assert sorted(index for row in layout.rows_R for index in row) == list(range(7))
    assert cost.of(len(layout.rows_R), layout.width) <= cost.of(7, to_four(int(lengths_N.max())))
    assert max(int(lengths_N[list(row)].sum()) for row in layout.rows_R) <= layout.width
