"""A cluster for the tests of a file that need one; its processes are never quite idle."""

from collections.abc import Iterator

import pytest

from tests.services import ray_cluster


@pytest.fixture(scope="module")
def ray_address() -> Iterator[str]:
    with ray_cluster() as address:
        yield address
