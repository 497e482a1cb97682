from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from slimtune.training.config.fit import FitConfig
from slimtune.training.config.trial import parse_trial
from slimtune.training.data.batching import EncodedSplit, Targets
from slimtune.training.data.encoding import Encoded, Ragged
from slimtune.training.workbench.evaluation_share import evaluation_note


def split(num_rows: int, length: int = 10) -> EncodedSplit:
    ids = Ragged.of([[1] * length] * num_rows)
    return EncodedSplit(Encoded({"input_ids": ids}, 0), Targets(None, np.ones(num_rows)))


@pytest.fixture
def fit(config_of: Any) -> FitConfig:
    return parse_trial(config_of("fit.eval_every=null")).section.fit


def test_evaluations_once_an_epoch_are_not_worth_a_word(fit: FitConfig) -> None:
    assert evaluation_note(fit, split(700), split(150)) is None
    assert evaluation_note(fit, split(700), None) is None


def test_evaluations_that_take_most_of_the_time_are_told_with_both_repairs(fit: FitConfig) -> None:
    """With either of them, nothing is told any more."""
    note = evaluation_note(replace(fit, eval_every=480), split(3000), split(7493))
    assert note == (
        "evaluations take about 84% of a trial: 7,493 validation rows after every 480 training rows; use "
        "fit.eval_every=10000, or data.validation_rows=360 to score the trials of a search on a sample"
    )
    assert evaluation_note(replace(fit, eval_every=10000), split(3000), split(7493)) is None
    assert evaluation_note(replace(fit, eval_every=480), split(3000), split(360)) is None


def test_a_sample_that_would_tell_nothing_is_not_proposed(fit: FitConfig) -> None:
    assert str(evaluation_note(replace(fit, eval_every=48), split(3000), split(7493))).endswith("eval_every=10000")


def test_a_share_of_an_epoch_counts_as_its_rows_and_lengths_count(fit: FitConfig) -> None:
    assert evaluation_note(replace(fit, eval_every=0.5), split(1000), split(300)) is None
    assert evaluation_note(replace(fit, eval_every=0.5), split(1000), split(300, length=100)) is not None
