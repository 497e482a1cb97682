"""Requests of sweeps, as the sweeper reads them from overrides; nothing is trained."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.global_hydra import GlobalHydra

from slimtune.sweeper.hydra_app.app import composed_app
from slimtune.sweeper.search.read_request import read_request
from slimtune.sweeper.search.request import SweepRequest
from slimtune.sweeper.search.study_spec import study_spec
from slimtune.sweeper.search_config import Rungs
from slimtune.sweeper.space.dimension import Scalar
from slimtune.sweeper.study import Lease, Study
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


def points_of(request: SweepRequest) -> list[dict[str, Scalar]]:
    """The points of a search whose trials all score the same."""
    study = Study(study_spec(request, Rungs(eval_every=1, longest=1)))
    study.start_from(request.start_point())
    points = []
    with Lease(study) as lease:
        while (asked := study.ask(lease.worker)) is not None:
            points.append(asked.params)
            study.complete(asked.number, 0.5)
    return points


def keys_of(request: SweepRequest, option: str) -> dict[str, Any]:
    """The dimensions of an option of `method`, by key."""
    return {key: dimension for _, key, dimension in request.space.steps({"method": option})}
