"""What a served model answers is JSON: what a row has not is None, and never NaN."""

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas
import pytest

from slimtune.export.bundle.bundle import RunnableModel
from slimtune.export.bundle.interface import Interface
from slimtune.export.graph_names import Kind
from slimtune.export.registry import pyfunc
from slimtune.export.registry.pyfunc import ServedAdapters, ServedModel

CLASSIFIER = RunnableModel(Path("classifier"), Interface(kind=Kind.labels, labels=["a"], max_length=8, pad_id=0))
SENTENCES = RunnableModel(Path("sentences"), Interface(kind=Kind.embedding, labels=[], max_length=8, pad_id=0))


class FakePredictor:
    """Answers as the kind of model does whose rows these are: `pair` has a cosine, others a vector."""

    def __init__(self, model: RunnableModel, _: object) -> None:
        self._kind = model.interface.kind
        self.names = ["prediction", "probability"] if self._kind is Kind.labels else ["prediction", "embedding"]

    def answers(self, rows: Sequence[Any]) -> list[dict[str, Any]]:
        return [self._answer(row.row["text"]) for row in rows]

    def _answer(self, text: str | None) -> dict[str, Any]:
        if self._kind is Kind.labels:
            return {"prediction": "a", "probability": 0.5}
        if text is None:
            return {"prediction": None}
        return {"prediction": 0.25} if text == "pair" else {"embedding": [0.5, 1.0]}


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    models = {"classifier": CLASSIFIER, "sentences": SENTENCES}
    folder = SimpleNamespace(chosen=lambda name: name, model=lambda name: models[name])
    monkeypatch.setattr(pyfunc, "row_predictor_of", FakePredictor)
    monkeypatch.setattr(pyfunc, "notes_of", lambda *_: [])
    monkeypatch.setattr(pyfunc, "open_adapter_folder", lambda _: folder)


def as_json(served: Any, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As a server sends it, which NaN is not."""
    answers = served.predict(pandas.DataFrame(rows, dtype=object))
    found: list[dict[str, Any]] = json.loads(json.dumps(answers.to_dict(orient="records"), allow_nan=False))
    return found


def test_cosines_and_vectors_stand_beside_one_another() -> None:
    assert as_json(ServedModel(SENTENCES), [{"text": "pair"}, {"text": "one"}, {"text": None}]) == [
        {"prediction": 0.25, "embedding": None},
        {"prediction": None, "embedding": [0.5, 1.0]},
        {"prediction": None, "embedding": None},
    ]


def test_adapters_that_answer_otherwise_stand_beside_one_another() -> None:
    rows = [{"text": "one", "adapter": "sentences"}, {"text": "x", "adapter": "classifier"}]
    assert as_json(ServedAdapters(Path()), rows) == [
        {"prediction": None, "embedding": [0.5, 1.0], "probability": None, "label": None},
        {"prediction": "a", "embedding": None, "probability": 0.5, "label": "a"},
    ]


def test_a_classifier_answers_as_predict_does_and_as_before() -> None:
    """`label` is for clients that read it."""
    assert as_json(ServedModel(CLASSIFIER), [{"text": "x"}]) == [{"prediction": "a", "probability": 0.5, "label": "a"}]
