import math

import pytest

from slimtune.training.metrics.perplexity import perplexity


def test_a_uniform_guess_among_n_words_has_perplexity_n() -> None:
    assert perplexity([3 * math.log(50), 7 * math.log(50)], [3, 7]) == pytest.approx(50)


def test_tokens_count_and_not_batches() -> None:
    """A batch of many tokens weighs more than one of few."""
    assert perplexity([90.0, 30.0], [90, 10]) == pytest.approx(math.exp(1.2))


def test_nothing_seen_gives_nan_and_an_overflow_inf() -> None:
    assert math.isnan(perplexity([], []))
    assert math.isnan(perplexity([0.0], [0]))
    assert perplexity([1e6], [1]) == math.inf
    assert perplexity([math.inf, 1.0], [1, 1]) == math.inf
    assert perplexity([1.7e308, 1.7e308], [1, 1]) == math.inf


def test_a_loss_that_is_nan_stays_nan() -> None:
    assert math.isnan(perplexity([math.nan, 1.0], [1, 1]))
