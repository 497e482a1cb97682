"""A tracker that is away: at the beginning, in the middle, at the end; and trials that are ended by a signal."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from slimtune.sweeper.campaigns.single_trial import SingleTrial
from slimtune.sweeper.cli import main
from slimtune.training.tracking.journal import journals_in
from slimtune.training.tracking.mlflow_runs import client_of

SHORT = ("fit.epochs=2", "fit.eval_every=0.5", "fit.patience=null")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def server(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A real `mlflow server` that answers."""
    given = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    stores = ["--backend-store-uri", f"sqlite:///{folder}/m.db", "--artifacts-destination", str(folder / "artifacts")]
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *given, *stores],
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        until(lambda: answers(port), process)
        yield process
    finally:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """With its workers."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def answers(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/health", timeout=1) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def until(holds: Any, process: subprocess.Popen[Any]) -> None:
    end = time.monotonic() + 300
    while not holds():
        assert process.poll() is None, "it has ended"
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.1)


def begun_sweep(folder: Path, overrides: list[str], port: int, *, epochs: int = 2) -> subprocess.Popen[str]:
    given = [
        *overrides,
        *SHORT,
        f"fit.epochs={epochs}",
        "tracking=mlflow",
        f"tracking.uri=http://127.0.0.1:{port}",
        "search.n_trials=2",
    ]
    few = ["search.finalists=1", "search.rerun_seeds=0", "fit.learning_rate=1e-2,1e-3", "tracking.checkpoints=all"]
    few += ["search/pruner=none"]
    return subprocess.Popen(
        [sys.executable, "-m", "slimtune.sweeper.cli", "sweep", *given, *few],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.slow
def test_a_server_that_is_killed_in_a_sweep_has_all_of_it_after_a_sync(
    tmp_path: Path, overrides: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The sweep goes on and prints its result; once the server is back nothing is missing, and nothing is twice."""
    monkeypatch.chdir(tmp_path)
    port = free_port()
    with server(tmp_path, port) as first:
        sweep = begun_sweep(tmp_path, overrides, port)
        until(lambda: (tmp_path / "outputs/mine/trials/0/config.yaml").exists(), sweep)
        kill(first)
        said, _ = sweep.communicate(timeout=600)
    assert sweep.returncode == 0, said
    assert "send it with slimtune sync" in said
    assert "Traceback" not in said
    assert main(["sync"]) == 2, "the server is away"
    with server(tmp_path, port):
        capsys.readouterr()
        assert main(["sync", "mine"]) == 0, capsys.readouterr().out
        assert main(["sync", "mine"]) == 0
        assert "nothing was sent" in capsys.readouterr().out
        check_runs(f"http://127.0.0.1:{port}")
    assert journals_in(tmp_path) == []


@pytest.mark.slow
def test_a_server_that_is_killed_and_restarted_in_a_sweep_has_all_of_it(
    tmp_path: Path, overrides: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waited is sent as soon as it answers again, or at the end."""
    monkeypatch.chdir(tmp_path)
    port = free_port()
    with server(tmp_path, port) as first:
        sweep = begun_sweep(tmp_path, overrides, port, epochs=40)
        until(lambda: (tmp_path / "outputs/mine/trials/0/config.yaml").exists(), sweep)
        kill(first)
    with server(tmp_path, port):
        said, _ = sweep.communicate(timeout=600)
        assert sweep.returncode == 0, said
        assert main(["sync"]) == 0
        check_runs(f"http://127.0.0.1:{port}", epochs=40)


def check_runs(uri: str, *, epochs: int = 2) -> None:
    client = client_of(uri)
    experiment = client.get_experiment_by_name("mine")
    assert experiment is not None
    runs = {run.data.tags["mlflow.runName"]: run for run in client.search_runs([experiment.experiment_id])}
    parents = [run for run in runs.values() if run.data.tags["kind"] == "sweep"]
    trials = [run for run in runs.values() if run.data.tags["kind"] == "trial"]
    assert (len(parents), len(trials)) == (1, 2)
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    for run in trials:
        assert run.data.tags["mlflow.parentRunId"] == parents[0].info.run_id
        assert run.data.tags["state"] == "complete"
        assert run.data.params["fit.epochs"] == str(epochs)
        assert run.inputs.dataset_inputs
        files = {item.path for item in client.list_artifacts(run.info.run_id)}
        assert files >= {"config.yaml", "checkpoint"}
        for key in run.data.metrics:
            steps = [point.step for point in client.get_metric_history(run.info.run_id, key)]
            assert len(steps) == len(set(steps)), key
        assert len(client.get_metric_history(run.info.run_id, "validation/loss")) == 2 * epochs
    assert {"winner", "state"} <= set(parents[0].data.tags)
    assert {item.path for item in client.list_artifacts(parents[0].info.run_id)} >= {"leaderboard.json", "config.yaml"}


def test_a_server_that_is_away_at_the_beginning_is_told_with_the_way_out(
    tmp_path: Path, overrides: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    away = f"tracking.uri=http://127.0.0.1:{free_port()}"
    assert main(["train", *overrides, "tracking=mlflow", away]) == 2
    assert "start it, or add tracking.mode=offline" in capsys.readouterr().err


@pytest.mark.slow
def test_a_trial_offline_waits_and_is_sent_whole(
    tmp_path: Path, overrides: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    uri = f"sqlite:///{tmp_path}/m.db"
    assert main(["train", *overrides, *SHORT, "tracking=mlflow", f"tracking.uri={uri}", "tracking.mode=offline"]) == 0
    assert "send it with slimtune sync" in capsys.readouterr().out
    assert not (tmp_path / "m.db").exists()
    assert main(["sync"]) == 0
    (run,) = runs_at(uri)
    assert run.info.status == "FINISHED"
    assert len(client_of(uri).get_metric_history(run.info.run_id, "validation/loss")) == 4


def runs_at(uri: str) -> list[Any]:
    client = client_of(uri)
    experiment = client.get_experiment_by_name("mine")
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id]))


def ended_with(command: list[str]) -> object:
    try:
        return main(command)
    except SystemExit as ended:
        return ended.code


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_trial_that_was_ended_by_a_signal_goes_on_in_the_same_run(
    tmp_path: Path, overrides: list[str], monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    """Its run is closed as interrupted; the same command goes on where it was, and has each point once."""
    monkeypatch.chdir(tmp_path)
    uri = f"sqlite:///{tmp_path}/m.db"
    command = ["train", *overrides, *SHORT, "tracking=mlflow", f"tracking.uri={uri}"]
    report = SingleTrial.report
    seen: list[int] = []

    def ended(self: SingleTrial, examples_seen: int, given: Any) -> Any:
        seen.append(examples_seen)
        if len(seen) == 2:
            os.kill(os.getpid(), number)
        return report(self, examples_seen, given)

    monkeypatch.setattr(SingleTrial, "report", ended)
    assert ended_with(command) == code
    (run,) = runs_at(uri)
    assert (run.data.tags["state"], run.info.status) == ("interrupted", "FAILED")
    assert main(command) == 0
    (again,) = runs_at(uri)
    assert again.info.run_id == run.info.run_id
    assert (again.data.tags["state"], again.info.status) == ("complete", "FINISHED")
    steps = [point.step for point in client_of(uri).get_metric_history(run.info.run_id, "validation/loss")]
    assert steps == sorted(set(steps))
    assert len(steps) == 4
    assert "resumed_at" in again.data.tags
