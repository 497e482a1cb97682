"""Seconds of a micro-batch alone follow its rows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slimtune.training.engine.slots.alone_cost import alone_cost


def test_sizes_between_those_timed_lie_on_a_line() -> None:
    cost = alone_cost([8, 4, 16, 8], [1.8, 1.4, 2.6, 1.8])
    assert cost.seconds(8) == pytest.approx(1.8)
    assert cost.seconds(12) == pytest.approx(2.2)


def test_of_equal_sizes_all_is_by_the_call() -> None:
    assert alone_cost([1, 1], [0.5, 0.7]) == pytest.approx((0.6, 0.0))


@given(st.lists(st.tuples(st.integers(1, 64), st.floats(1e-6, 10)), min_size=1, max_size=8))
def test_no_batch_takes_less_than_nothing(timed: list[tuple[int, float]]) -> None:
    """And sizes in the mean take what they took in the mean, whatever noise there was."""
    rows, seconds = zip(*timed, strict=True)
    cost = alone_cost(rows, seconds)
    assert all(cost.seconds(one) >= -1e-9 for one in range(1, 65))
    assert cost.seconds(sum(rows) / len(rows)) == pytest.approx(sum(seconds) / len(seconds))  # type: ignore[arg-type]
