"""A learning rate that is too low for weights that nobody has trained is told."""

from collections.abc import Callable
from typing import Any

import pytest

from slimtune.training.config.model import shown_rate
from slimtune.training.config.trial import TrialConfig, parse_trial
from slimtune.training.workbench.drawn_weights import MOST_WEIGHTS, rate_note

DRAWN = ("model=tiny_llama", "model.name_or_path=null", "method=full", "task=language_modelling")


def config_with(config_of: Callable[..., dict[str, Any]], *more: str) -> TrialConfig:
    return parse_trial(config_of(*more)).section


def test_the_rate_that_full_training_has_is_too_low(config_of: Callable[..., dict[str, Any]]) -> None:
    """With the values that help; from 350 million weights on, low rates are usual."""
    config = config_with(config_of, *DRAWN, "fit.learning_rate=5e-5")
    note = str(rate_note(config, 4_000_000))
    assert note.startswith("fit.learning_rate is 5e-5, and the weights are drawn anew (model.scratch)")
    assert "use fit.learning_rate=3e-3 fit.epochs=20, and space=full_drawn for a search" in note
    assert rate_note(config, MOST_WEIGHTS) is None


@pytest.mark.parametrize("more", [(*DRAWN, "fit.learning_rate=3e-4"), ("method=full", "fit.learning_rate=5e-5")])
def test_others_are_not_worth_a_word(config_of: Callable[..., dict[str, Any]], more: tuple[str, ...]) -> None:
    """One that is high enough, and trained weights."""
    assert rate_note(config_with(config_of, *more), 4_000_000) is None


@pytest.mark.parametrize(("rate", "shown"), [(3e-4, "3e-4"), (1e-2, "1e-2"), (2.5e-5, "2.5e-5"), (1.0, "1e0")])
def test_rates_are_shown_as_configs_write_them(rate: float, shown: str) -> None:
    assert shown_rate(rate) == shown
