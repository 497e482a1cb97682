"""Rounding of a matrix whose later rows make up for what the earlier ones lost (GPTQ, Frantar et al. 2023)."""

# K inputs of a product, N outputs

from collections.abc import Callable

import numpy as np

# share of the mean square of all inputs that is added to that of each: few rows tell little of the rare directions
DAMPING = 0.03
# rows between two updates of all that follow
BLOCK = 128

# a row of weights (N) on its grid
Round = Callable[[np.ndarray], np.ndarray]


def rounded_with_feedback(weight_KN: np.ndarray, moments_KK: np.ndarray, nearest: Round) -> np.ndarray:
    """A matrix on a grid, near to the given one in what it gives for inputs like those that were seen.

    Rows are rounded one by one, those of the largest inputs first. What one loses is taken off the rows that follow, as
    far as their inputs go along with its own. Outputs are independent of each other.

    Args:
        weight_KN: The matrix.
        moments_KK: Mean products of two inputs. Where no input goes along with another, each row is rounded to the
            nearest.
        nearest: Rounds a row.

    Returns:
        The rounded matrix (K, N) in float64.
    """
    mean_square = float(np.mean(np.diag(moments_KK)))
    if not mean_square:
        return np.stack([nearest(row) for row in weight_KN.astype(np.float64)])
    order = np.argsort(-np.diag(moments_KK), kind="stable")
    damped_KK = moments_KK[np.ix_(order, order)].astype(np.float64)
    damped_KK[np.diag_indices_from(damped_KK)] += DAMPING * mean_square
    left_KN = weight_KN[order].astype(np.float64)
    # row k: how an error of input k is made up for by the inputs after it
    feedback_KK = np.linalg.cholesky(np.linalg.inv(damped_KK)).T
    rounded_KN = np.empty_like(left_KN)
    for start in range(0, len(order), BLOCK):
        end = min(start + BLOCK, len(order))
        lost = np.empty_like(left_KN[start:end])
        for row in range(start, end):
            rounded_KN[row] = nearest(left_KN[row])
            lost[row - start] = (left_KN[row] - rounded_KN[row]) / feedback_KK[row, row]
            left_KN[row + 1 : end] -= np.outer(feedback_KK[row, row + 1 : end], lost[row - start])
        left_KN[end:] -= feedback_KK[start:end, end:].T @ lost
    found_KN = np.empty_like(rounded_KN)
    found_KN[order] = rounded_KN
    return found_KN
