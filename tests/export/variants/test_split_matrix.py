"""Ten bits of a weight, in two terms and in the file."""

import numpy as np

from slimtune.export.variants.split_matrix import split_matrix

K, N = 64, 24


def test_a_weight_is_within_half_a_step() -> None:
    weight = np.random.default_rng(0).normal(size=(K, N)).astype(np.float32)
    weight[:, 3] = 0
    found = split_matrix(weight)
    assert (np.abs(found.values - weight) <= np.abs(weight).max(axis=0) / 507.5 / 2 * 1.001).all()
    assert not found.values[:, 3].any(), "an output without weights stays 0"


def test_terms_and_the_file_hold_the_same_places() -> None:
    found = split_matrix(np.random.default_rng(0).normal(size=(K, N)).astype(np.float32))
    coarse, rest = (term.astype(int) for term in found.terms)
    assert np.allclose(found.step_N * (8 * coarse + rest / 2), found.values, rtol=1e-6)
    assert coarse.min() >= -64
    assert set(np.unique(rest)) <= {-7, -5, -3, -1, 1, 3, 5, 7}
    assert abs(rest.mean()) < 0.5
    low = np.concatenate([(found.low >> (2 * number)) & 3 for number in range(4)])
    assert (4 * found.high.astype(int) + low == found.place_KN).all()
    assert found.high.nbytes + found.low.nbytes == K * N * 10 / 8


def test_grids_lie_side_by_side() -> None:
    weight = np.random.default_rng(0).normal(size=(K, N)).astype(np.float32)
    halves = [split_matrix(weight[:, :9]), split_matrix(weight[:, 9:])]
    assert (type(halves[0]).side_by_side(halves).values == split_matrix(weight).values).all()
