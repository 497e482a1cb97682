"""The links that `slimtune ui` prints before the server is up."""

import socket
import sqlite3
from pathlib import Path

import pytest

from slimtune.sweeper.commands import ui
from slimtune.sweeper.reporting.saved_view import VIEW_TAG
from slimtune.training.config.tracking import TrackingConfig
from slimtune.training.errors import UserError
from slimtune.training.tracking.mlflow_runs import Tracker, client_of
from tests.training.tracking.test_mlflow_runs import config_at


@pytest.mark.slow
def test_sweeps_are_found_in_the_tables_that_mlflow_makes(tmp_path: Path) -> None:
    """Experiments of sweeps alone, the last one first; none that was deleted."""
    config: TrackingConfig = config_at(tmp_path)
    for name in ("first", "second", "gone"):
        Tracker(config, name).tag_experiment(VIEW_TAG, "{}")
    other = Tracker(config, "no sweep")
    client = client_of(config.uri or "")
    client.delete_experiment(Tracker(config, "gone").experiment_id)
    found = ui.sweeps_in_store(tmp_path / "mlflow.db")
    assert [name for _, name in found] == ["second", "first"]
    assert other.experiment_id not in [identity for identity, _ in found]


def test_of_other_tables_nothing_is_listed(tmp_path: Path) -> None:
    store = tmp_path / "other.db"
    sqlite3.connect(store).close()
    assert ui.sweeps_in_store(store) == []


def test_a_port_that_cannot_be_had_is_told_before_anything_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The server would say so between lines of its own, below links that lead to somebody else's."""
    store = tmp_path / "mlflow.db"
    store.touch()
    given = ["--tracking-uri", f"sqlite:///{store}", "--port"]
    with socket.create_server((ui.HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=rf"--port {port} .* slimtune ui --port {port % ui.LAST_PORT + 1}"):
            ui.run([*given, str(port)])
    for wrong in ("0", "70000"):
        with pytest.raises(UserError, match=f"--port is {wrong}; use one of 1 to 65535"):
            ui.run([*given, wrong])
    assert capsys.readouterr().out == ""
