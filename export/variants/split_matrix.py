"""Weights in ten bits: two terms in int8 for the products, eight bits and two more in the file."""

# K inputs of a product, N outputs

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

# a weight is its step times `place - 515.5`, the places from 0 to 1023: `8 * coarse + rest / 2`
MIDDLE_PLACE, LARGEST = 515.5, 507.5
# bits of the place: the seven of `coarse`, three of `rest`, of which the last two lie apart in the file
REST_STEPS, COARSE_MIDDLE = 8, 64
LOW_BITS = 2
WEIGHTS_A_BYTE = 8 // LOW_BITS


class SplitMatrix(NamedTuple):
    """A matrix of weights in ten bits.

    Attributes:
        place_KN: On the grid, uint16.
        step_N: Of each output's grid, fp32; 0 where all its weights are.
    """

    place_KN: np.ndarray
    step_N: np.ndarray

    @classmethod
    def side_by_side(cls, parts: Sequence[Self]) -> Self:
        """Several of as many inputs as one."""
        return cls(np.concatenate([one.place_KN for one in parts], 1), np.concatenate([one.step_N for one in parts]))

    @property
    def values(self) -> np.ndarray:
        """What it stands for (K, N)."""
        return np.asarray((self.place_KN - MIDDLE_PLACE) * self.step_N)

    @property
    def terms(self) -> tuple[np.ndarray, np.ndarray]:
        """`coarse` from -64 to 63 and `rest`, an odd number from -7 to 7, both int8: the mean of a rest is nothing."""
        coarse_KN = (self.place_KN // REST_STEPS).astype(np.int8) - np.int8(COARSE_MIDDLE)
        rest_KN = 2 * (self.place_KN % REST_STEPS).astype(np.int8) - np.int8(REST_STEPS - 1)
        return coarse_KN, rest_KN

    @property
    def high(self) -> np.ndarray:
        """The first eight bits of each place, uint8."""
        return np.asarray((self.place_KN >> LOW_BITS).astype(np.uint8))

    @property
    def low(self) -> np.ndarray:
        """The last two (K / 4, N), four weights to a byte: the first quarter of the rows in the lowest bits."""
        quarters = np.split((self.place_KN % (1 << LOW_BITS)).astype(np.uint8), WEIGHTS_A_BYTE)
        packed = np.zeros_like(quarters[0])
        for number, quarter in enumerate(quarters):
            packed |= quarter << (LOW_BITS * number)
        return packed


def steps_of(weight_KN: np.ndarray) -> np.ndarray:
    """The step of each output's grid (N), fp32; 0 where all its weights are."""
    return np.asarray((np.abs(weight_KN).max(axis=0) / LARGEST).astype(np.float32))


def nearest_values(in_steps: np.ndarray) -> np.ndarray:
    """Weights in steps, rounded to the grid: halves from -515.5 to 507.5, float64."""
    return np.asarray(np.clip(np.floor(in_steps) + 0.5, -MIDDLE_PLACE, LARGEST))


def split_matrix(weight_KN: np.ndarray) -> SplitMatrix:
    """A matrix rounded to the nearest of ten bits, with a step for each output."""
    step_N = steps_of(weight_KN)
    values_KN = nearest_values(weight_KN / np.where(step_N == 0, 1, step_N))
    return SplitMatrix((values_KN + MIDDLE_PLACE).astype(np.uint16), step_N)
