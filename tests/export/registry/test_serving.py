"""`mlflow models serve`, as the docs have it, for each kind of answer."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from slimtune.export.bundle.bundle import Bundle
from slimtune.export.graph_names import Kind
from slimtune.export.pipeline import ExportResult, export_checkpoint
from slimtune.export.runtime.prompter import text_columns
from slimtune.sweeper.cli import main
from tests.conftest import write_jsonl
from tests.export.answering import ODD, same
from tests.export.conftest import export_config, make_llama, trained
from tests.training.tasks.conftest import CASES

HALF = ODD["half a surrogate pair"]
pytestmark = pytest.mark.slow


class Answer(NamedTuple):
    """What a server answers to a request."""

    status: int
    content: Any


class Server(NamedTuple):
    """One that answers at a port of this machine."""

    port: int

    def ask(self, body: Any) -> Answer:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/invocations",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return Answer(answer.status, json.load(answer))
        except urllib.error.HTTPError as error:
            # a file as well, which Python 3.14 warns of where it stays open
            with error:
                return Answer(error.code, json.load(error))

    def predictions(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        answer = self.ask({"dataframe_records": rows})
        assert answer.status == 200, answer.content
        found: list[dict[str, Any]] = answer.content["predictions"]
        return found


@contextmanager
def serving(folder: Path, name: str) -> Iterator[Server]:
    """The champion of a name, whose registry is the default one of the folder."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = int(one.getsockname()[1])
    uri, given = f"models:/{name}@champion", ["--env-manager", "local", "--port", str(port), "--workers", "1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", uri, *given],
        # MLflow starts its server by a name on the path, as in a venv that is active
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlruns' / 'mlflow.db'}",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        _wait_for(port, process)
        yield Server(port)
    finally:
        process.terminate()
        process.communicate(timeout=30)


def _wait_for(port: int, process: subprocess.Popen[str]) -> None:
    for _ in range(600):
        assert process.poll() is None, process.communicate()
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=2).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("it does not answer")


def promote(bundle: Bundle, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As champion of `tiny`, in the folder's own registry."""
    monkeypatch.chdir(folder)
    assert main(["promote", str(bundle.folder), "--name", "tiny", "promotion.beats_baseline=false"]) == 0


def test_a_champion_is_served(exported: ExportResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Labels and their probabilities for texts; a row that cannot be read is a bad request with a message."""
    assert exported.bundle is not None
    promote(exported.bundle, tmp_path, monkeypatch)
    with serving(tmp_path, "tiny") as server:
        found = server.predictions([{"text": "good soup"}, {"text": "awful table"}])
        refused, why = server.ask({"dataframe_records": [{"txt": "good soup"}]})
        check_as_predicted(server, exported.bundle, tmp_path)
    assert [row["prediction"] for row in found] == [row["label"] for row in found] == ["plus", "minus"]
    assert all(0 <= row["probability"] <= 1 for row in found)
    assert refused == 400
    assert "text" in why["message"]


@pytest.mark.parametrize("task", ["extraction", "similarity", "generation, LoRA"])
@pytest.mark.usefixtures("untimed")
def test_spans_vectors_and_text_are_served(
    task: str, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hardly trained: what is tested is that a server answers whatever the command answers."""
    case = next(case for case in CASES if case.name == task)
    model = make_llama(tmp_path / "llama") if "LoRA" in task else tiny_model
    more = [option for option in case.overrides if not option.startswith("model")]
    rows = write_jsonl(tmp_path / "rows.jsonl", case.rows)
    checkpoint = trained(tmp_path, model, rows, *more, "data.drop_leaks=false", "fit.max_steps=4")
    asked = export_config(variants=[], min_agreement=0.0, max_metric_drop=1.0)
    bundle = export_checkpoint(checkpoint, config=asked, folder=tmp_path / "export").bundle
    assert bundle is not None
    promote(bundle, tmp_path, monkeypatch)
    with serving(tmp_path, "tiny") as server:
        check_as_predicted(server, bundle, tmp_path)
        refused, why = server.ask({"dataframe_records": [{"txt": "good soup"}]})
    assert refused == 400
    assert columns_of(bundle)[0] in why["message"]


def columns_of(bundle: Bundle) -> list[str]:
    return [names[0] for names in text_columns(bundle.manifest.interface, bundle.columns)]


def check_as_predicted(server: Server, bundle: Bundle, folder: Path) -> None:
    """The input example, odd texts, and rows without text get what `slimtune predict` gives them."""
    columns = columns_of(bundle)
    assert server.ask({"dataframe_records": [dict.fromkeys(columns, HALF)]}).status == 400
    # MLflow makes a frame of them, which takes no half of a character
    texts = [*(text for text in ODD.values() if text != HALF), "", None, " \n"]
    odd = [dict.fromkeys(columns, text) for text in texts]
    (path,) = folder.glob("mlruns/**/serving_input_example.json")
    example = json.loads(path.read_text("utf-8"))
    split = example["dataframe_split"]
    rows = [*(dict(zip(split["columns"], row, strict=True)) for row in split["data"]), *odd]
    check_rows([*server.ask(example).content["predictions"], *server.predictions(odd)], rows, bundle, folder)
    if bundle.kind is Kind.embedding:
        # one text alone gets its vector
        alone = [{columns[0]: text} for text in texts]
        check_rows(server.predictions(alone), alone, bundle, folder)


def check_rows(served: list[dict[str, Any]], rows: list[dict[str, Any]], bundle: Bundle, folder: Path) -> None:
    source, out = write_jsonl(folder / "in.jsonl", rows), folder / "out.jsonl"
    assert main(["predict", "--model", str(bundle.folder), "--file", str(source), "--out", str(out)]) == 0
    predicted = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert len(served) == len(predicted) == len(rows)
    for found, row, answer in zip(served, rows, predicted, strict=True):
        # a frame has all columns in all rows
        own = {key: value for key, value in found.items() if key != "label" and value is not None}
        wanted = {key: value for key, value in answer.items() if key not in row and value is not None}
        assert own.keys() == wanted.keys()
        assert all(is_alike(own[name], value) for name, value in wanted.items()), (own, answer)


def is_alike(first: Any, second: Any) -> bool:
    """Vectors too: their numbers differ in the last places, by the rows beside them."""
    is_vector = isinstance(second, list) and all(isinstance(number, float) for number in second)
    return bool(first == pytest.approx(second, abs=1e-3)) if is_vector else same(first, second)
