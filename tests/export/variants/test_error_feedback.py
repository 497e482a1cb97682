"""Rounding that looks at the inputs is nearer in what a product gives, and never where inputs are independent."""

import numpy as np
import pytest

from slimtune.export.variants.error_feedback import BLOCK, rounded_with_feedback

N = 16


def drawn(*shape: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("num_inputs", [24, BLOCK + 40])
def test_errors_make_up_for_each_other(num_inputs: int) -> None:
    """On rows that it was not rounded by, whose inputs go along with each other, half of the loss is gone."""
    weight, mixed = 4 * drawn(num_inputs, N, seed=0), drawn(8, num_inputs, seed=1)
    seen, new = (drawn(500, 8, seed=seed) @ mixed + 0.1 * drawn(500, num_inputs, seed=seed + 9) for seed in (2, 3))
    rounded = rounded_with_feedback(weight, seen.T @ seen, np.round)
    assert (rounded == np.round(rounded)).all(), "all of it lies on the grid"
    lost, lost_by_rounding = (np.linalg.norm(new @ (other - weight)) for other in (rounded, np.round(weight)))
    assert lost < 0.5 * lost_by_rounding


@pytest.mark.parametrize("scale", [0.0, 1.0])
def test_independent_inputs_are_rounded_to_the_nearest(scale: float) -> None:
    """And those that were never anything but 0."""
    weight = 4 * drawn(24, N, seed=0)
    assert (rounded_with_feedback(weight, scale * np.eye(24), np.round) == np.round(weight)).all()


def test_fewer_rows_than_inputs_are_enough() -> None:
    weight, seen = 4 * drawn(24, N, seed=0), drawn(3, 24, seed=1)
    assert np.isfinite(rounded_with_feedback(weight, seen.T @ seen, np.round)).all()
