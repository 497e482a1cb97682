"""Requests of sweeps, as the sweeper reads them from overrides; nothing is trained."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.global_hydra import GlobalHydra

from slimtune.sweeper.hydra_app.app import composed_app
from slimtune.sweeper.search.read_request import read_request
from slimtune.sweeper.search.request import SweepRequest
from slimtune.training.errors import UserError

FILE = ("data=file", "data.train_file=rows.jsonl", "tracking=none", "export=none", "search.name=mine")
RequestOf = Callable[..., SweepRequest]


@pytest.fixture
def request_of(tmp_path: Path) -> Iterator[RequestOf]:
    """The request of a sweep with these overrides."""
    engine = Hydra.create_main_hydra2("slimtune", create_config_search_path("pkg://slimtune.conf"))

    def make(*overrides: str) -> SweepRequest:
        app = composed_app(engine, lambda _: None, [*FILE, f"hydra.sweep.dir={tmp_path}", *overrides])
        return read_request(app, [*FILE, *overrides])[0]

    yield make
    GlobalHydra.instance().clear()


def refused(request_of: RequestOf, *overrides: str) -> str:
    with pytest.raises(UserError) as raised:
        request_of(*overrides)
    return str(raised.value)
