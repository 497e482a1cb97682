"""What keeps an evaluation from being logged is told before a row is scored, and answers are written before the log."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from slimtune.export.bundle.bundle import MANIFEST
from slimtune.export.evaluation import evaluate_model as module
from slimtune.export.evaluation.evaluate_model import ModelScores
from slimtune.export.evaluation.find_model import experiment_of
from slimtune.sweeper.cli import main
from slimtune.sweeper.commands import evaluate
from slimtune.training.checkpoints.find import RECORD
from slimtune.training.errors import StoreError
from slimtune.training.tracking import mlflow_runs
from slimtune.training.tracking.uri import sqlite_url
from tests.conftest import write_jsonl


class Store:
    """In the place of MLflow's client; knows an experiment that was deleted."""

    def get_experiment_by_name(self, name: str) -> Any:
        return SimpleNamespace(lifecycle_stage="deleted" if name == "gone" else "active", experiment_id="1")


class Asked:
    """`slimtune evaluate` on a model whose answers are known."""

    def __init__(self, folder: Path) -> None:
        self.model, self.answers, self.store = folder / "model", folder / "answers.jsonl", folder / "m.db"
        self.rows = write_jsonl(folder / "rows.jsonl", [{"text": "good", "label": "plus"}])
        self.scored = 0

    def score(self, *_: object, **__: object) -> ModelScores:
        self.scored += 1
        return ModelScores({"accuracy": 1.0}, 1, {}, [{"text": "good", "prediction": "plus"}], self.model, None)

    def run(self, experiment: str, *more: str) -> int:
        self.model.mkdir(exist_ok=True)
        (self.model / RECORD).write_text(json.dumps({"config": {"search": {"name": experiment}}}))
        given = ["--model", str(self.model), "--data", str(self.rows), "--predictions", str(self.answers)]
        return main(["evaluate", *given, "--tracking-uri", sqlite_url(self.store), *more])


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    made = Asked(tmp_path)
    with closing(sqlite3.connect(made.store)) as database:
        database.execute("CREATE TABLE experiments (name TEXT)")
    monkeypatch.setattr(mlflow_runs, "client_of", lambda _: Store())
    monkeypatch.setattr(module, "evaluate_model", made.score)
    return made


def test_a_deleted_experiment_is_told_before_a_row_is_scored(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked.run("gone") == 2
    told = capsys.readouterr()
    assert "'gone' was deleted in MLflow; restore it or name another store (--tracking-uri)" in told.err
    assert "add --no-log" in told.err
    assert (told.out, asked.scored, asked.answers.exists()) == ("", 0, False)
    assert asked.run("gone", "--no-log") == 0
    assert asked.answers.is_file()


def test_a_store_that_is_none_is_told_before_a_row_is_scored(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    asked.store.write_text("no database" * 100)
    assert asked.run("mine") == 2
    assert "is no SQLite database" in (told := capsys.readouterr().err)
    assert "add --no-log" in told
    assert asked.scored == 0


def test_a_store_that_fails_in_between_loses_no_answer(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise StoreError("it went away")

    monkeypatch.setattr(mlflow_runs.Tracker, "start", fail)
    assert asked.run("mine") == 2
    assert json.loads(asked.answers.read_text()) == {"text": "good", "prediction": "plus"}


def test_a_row_without_an_answer_to_compare_with_is_told_with_what_answers_it() -> None:
    """Of a row without a text there is nothing to say beyond that."""
    scores = ModelScores({}, 1, {}, [], Path(), None, left_out=["rows.csv, row 2"], blank={"'a' (target_column)": 1})
    told = evaluate._said_of_left_out(scores, is_written=True)
    assert told == (
        "rows.csv, row 2 has nothing in 'a' (target_column) and is not scored and has no prediction (null); "
        "slimtune predict answers every row that has a text"
    )
    assert evaluate._said_of_left_out(scores, is_written=False).endswith("(target_column) and is not scored")
    no_text = scores._replace(blank={"'t' (text_column)": 1})
    assert evaluate._said_of_left_out(no_text, is_written=True).endswith("has no prediction (null)")


def test_the_experiment_of_a_model_is_what_its_files_say(tmp_path: Path) -> None:
    """A bundle's manifest before a record; nothing where there is neither, or it does not say."""
    assert experiment_of(tmp_path) is None
    (tmp_path / RECORD).write_text('{"config": {"search": {"name": "s"}}}')
    assert experiment_of(tmp_path) == "s"
    for sweep in ("t", None):
        (tmp_path / MANIFEST).write_text(json.dumps({"sweep": sweep}))
        assert experiment_of(tmp_path) == sweep
