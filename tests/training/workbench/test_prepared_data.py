import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from slimtune.training.config.trial import TrialConfig, parse_trial
from slimtune.training.workbench.prepared_data import ReadRows, prepare_data


@pytest.fixture
def config(config_of: Callable[..., dict[str, Any]]) -> TrialConfig:
    return parse_trial(config_of()).section


def test_rows_are_read_once_for_all_that_ask_for_the_same(config: TrialConfig, reads: list[TrialConfig]) -> None:
    """Another learning rate, length or cache reads nothing again; another seed of the split does."""
    read = ReadRows()
    first = prepare_data(config, read).rows
    fit, data = replace(config.fit, learning_rate=1.0), replace(config.data, max_length=16)
    assert read.of(config._replace(fit=fit, data=data)) is first
    assert len(reads) == 1
    assert read.of(config._replace(data=replace(config.data, seed=1))).test != first.test
    assert len(reads) == 2


def test_the_fingerprint_is_of_the_rows_and_the_split_that_they_are_in(config: TrialConfig) -> None:
    read = ReadRows()
    first = read.of(config).fingerprint
    assert first == ReadRows().of(config).fingerprint
    assert first != read.of(config._replace(data=replace(config.data, seed=1))).fingerprint


def test_in_another_process_nothing_has_been_read(config: TrialConfig, reads: list[TrialConfig]) -> None:
    """Workers are pickled with it on their way, and rows are not to travel with them."""
    read = ReadRows()
    read.of(config)
    other = pickle.loads(pickle.dumps(read))
    other.of(config)
    assert len(reads) == 2
