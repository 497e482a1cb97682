"""Which examples share a row."""

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
        return saved_share(lengths_N, order, rows_at_once=8, cost=RowCost(64), lengthen=int)

    assert share([7] * 32) == 0
    assert share([56, *[8] * 7]) == pytest.approx(1 - 2 / 8)


def test_rows_of_one_length_whatever_the_examples() -> None:
    """So that batches of a trial have few shapes."""
    cost = RowCost(16, is_fixed=True)
    layouts = [row_layout_of(np.array(lengths), cost) for lengths in ([3, 4, 5], [9, 9], [16])]
    assert [(len(one.rows_R), one.width) for one in layouts] == [(1, 16), (2, 16), (1, 16)]
