"""Servers that some tests need: skipped loudly without them, and failed where a run must have them."""

import os

import pytest

# names of services, with commas between, e.g. `postgresql,slurm`
MUST_RUN = "SLIMTUNE_TESTS_MUST_RUN"


def service(name: str) -> str:
    """What the variable SLIMTUNE_TEST_<NAME> says of a service, e.g. a URL."""
    variable = f"SLIMTUNE_TEST_{name.upper()}"
    if found := os.environ.get(variable):
        return found
    told = f"{variable} is not set; start the service: .ci/services/{name} start"
    if name in os.environ.get(MUST_RUN, "").split(","):
        pytest.fail(told)
    pytest.skip(told)
