from pathlib import Path
from typing import Any

import pytest

from slimtune.export.promotion import source
from slimtune.training.errors import StoreError
from slimtune.training.tracking.mlflow_runs import client_of
from tests.export.promotion.test_gate import make


@pytest.mark.parametrize("error", [StoreError("the disk is full"), KeyboardInterrupt()])
def test_the_run_of_a_registration_that_fails_ends_as_failed(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The registry's page shows nothing as running which nobody works on."""

    def register(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(source, "register", register)
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    with pytest.raises(type(error)):
        source.register_folder(uri, make(0.5), "tiny")
    client = client_of(uri)
    experiments = [one.experiment_id for one in client.search_experiments()]
    (run,) = client.search_runs(experiments)
    assert run.info.status == "FAILED"
    assert run.data.tags["state"] == "interrupted"
