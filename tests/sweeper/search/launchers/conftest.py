"""A cluster for all tests of this room that need one."""

from collections.abc import Iterator

import pytest

from tests.services import ray_cluster


@pytest.fixture(scope="session")
def ray_address() -> Iterator[str]:
    with ray_cluster() as address:
        yield address
