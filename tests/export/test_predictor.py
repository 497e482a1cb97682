"""A model in Python: opened once, asked as often as wanted."""

from pathlib import Path
from typing import Any

import pytest

from slimtune.export.pipeline import ExportResult
from slimtune.export.predictor import Predictor
from slimtune.training.errors import DataError, ModelError, UserError
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


@pytest.mark.parametrize("given", ["good soup", None, 3, {"text": "good soup"}, b"good soup"])
def test_what_is_no_rows_is_answered_with_what_rows_are(bundle: Path, given: Any) -> None:
    with pytest.raises(
        DataError, match=r"rows are asked for, not .*; give a list .*\.rows\(\[\{'text': \.\.\.\}, .*predictor"
    ):
        Predictor.open(bundle).rows(given)


@pytest.mark.parametrize("given", ["good soup", None, 3, ["good soup"]])
def test_a_row_that_is_no_dict_is_told_with_its_number(bundle: Path, given: Any) -> None:
    with pytest.raises(DataError, match=r"row 2 is .*, which is no dict"):
        Predictor.open(bundle).rows([{"text": "good soup"}, given])


@pytest.mark.parametrize("given", [None, 3, {"text": "good soup"}])
def test_what_is_no_text_is_told(bundle: Path, given: Any) -> None:
    predictor = Predictor.open(bundle)
    with pytest.raises(DataError, match="one text is asked for, not "):
        predictor(given)
    if given is not None:
        with pytest.raises(DataError, match=r"text_pair is .*; give one text, or leave it out"):
            predictor("good soup", given)


def test_rows_may_come_one_by_one(bundle: Path) -> None:
    predictor = Predictor.open(bundle)
    assert predictor.rows(row for row in [{"text": "good soup"}]) == [predictor("good soup")]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"model": None}, "the model is None; name a bundle's folder"),
        ({"columns": "text"}, "columns is 'text'; use TextColumns"),
        ({"max_new_tokens": "5"}, "max_new_tokens is '5'; use a whole number"),
        ({"max_new_tokens": True}, "max_new_tokens is True; use a whole number"),
    ],
)
def test_it_is_opened_with_what_it_takes(bundle: Path, given: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match=told):
        Predictor.open(**{"model": bundle} | given)


def test_a_name_is_opened_and_makes_no_predictor_itself(bundle: Path) -> None:
    with pytest.raises(ModelError, match=r"a model is opened by its name: Predictor\.open\("):
        Predictor(bundle)  # type: ignore[arg-type]


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
