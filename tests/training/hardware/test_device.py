import os
from collections.abc import Callable
from typing import Any

import pytest

from slimtune.training.config.trial import parse_trial
from slimtune.training.errors import ConfigError
from slimtune.training.hardware.device import rank_device


def test_more_processes_than_processors_are_refused(
    config_of: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before any is begun: a hundred of them would stand in each other's way."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    two, three = (parse_trial(config_of(f"fit.devices={number}", "fit.device=cpu")).section.fit for number in (2, 3))
    assert rank_device(two).type == "cpu"
    told = r"fit.devices is 3, and this machine has 2 processors and trains on them: .*use at most as many"
    with pytest.raises(ConfigError, match=told):
        rank_device(three)
