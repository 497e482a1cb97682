"""A model in Python: opened once, asked as often as wanted."""

from pathlib import Path

import pytest

from slimtune.export.pipeline import ExportResult
from slimtune.export.predictor import Predictor
from slimtune.training.errors import DataError, ModelError
from tests.export.conftest import predicted, run_code


@pytest.fixture
def bundle(exported: ExportResult) -> Path:
    assert exported.bundle is not None
    return exported.bundle.folder


def test_it_answers_as_the_command_does(bundle: Path) -> None:
    answer = Predictor.open(bundle)("good soup")
    label, probability, _ = predicted("--model", str(bundle), "--text", "good soup").split("\t")
    assert (answer["prediction"], f"{answer['probability']:.3f}") == (label, probability)


def test_rows_are_answered_in_order(bundle: Path) -> None:
    predictor = Predictor.open(bundle)
    rows = [{"text": text} for text in ("good soup", "awful table", "a soup")]
    assert predictor.rows(rows)[1] == predictor("awful table")
    with pytest.raises(DataError, match="row 2: no column 'text'"):
        predictor.rows([*rows[:1], {"txt": "x"}])


def test_a_list_of_texts_is_answered_with_how_rows_are_given(bundle: Path) -> None:
    with pytest.raises(DataError, match=r"not \['a', 'b'\]; several at once are rows: \.rows\(\[\{'text': \.\.\.\}"):
        Predictor.open(bundle)(["a", "b"])  # type: ignore[arg-type]


def test_a_second_text_is_refused_by_a_model_of_one(bundle: Path) -> None:
    with pytest.raises(DataError, match="the model takes single texts"):
        Predictor.open(bundle)("good soup", "bad soup")


def test_what_is_no_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is no bundle"):
        Predictor.open(tmp_path)


def test_nothing_heavy_is_imported(bundle: Path) -> None:
    code = (
        "import sys; from slimtune.export.predictor import Predictor\n"
        f"print(Predictor.open({str(bundle)!r})('good soup')['prediction'])\n"
        "heavy = {'torch', 'transformers', 'peft', 'optuna', 'mlflow', 'sklearn', 'hydra'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    assert run_code(code).strip() == "plus"
