"""The configs that benchmarks run are configs still: who measures finds that out after minutes."""

import pytest

from benchmarks import busy, devices, methods, quality, record_tables, tracking
from slimtune.training.config.trial import parse_trial
from tests.composed import plain_config

CONFIGS = {
    **{f"devices, {method}": devices.overrides(method, 2, 10, batch_size=32) for method in devices.METHODS},
    **{f"methods, {name}": [*methods.COMMON, *given] for name, given in methods.METHODS.items()},
    **{f"quality, {name}": [*quality.COMMON, *given] for name, given in quality.VARIANTS.items()},
    **{f"record_tables, {task}": given for task, given in record_tables.TASKS.items()},
    "busy": busy.SEARCH[1:],
    "tracking": [*tracking.SWEEP, *tracking.AFTER],
}


@pytest.mark.parametrize("given", CONFIGS.values(), ids=CONFIGS)
def test_what_a_benchmark_runs_is_a_config(given: list[str]) -> None:
    assert parse_trial(plain_config(given)).problems == []
