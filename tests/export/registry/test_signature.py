"""What MLflow lets through to a served model is what all other ways to ask it take."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas
import pytest
from mlflow.exceptions import MlflowException
from mlflow.models.utils import _enforce_schema
from mlflow.pyfunc.scoring_server import infer_and_parse_data

from slimtune.export.bundle.bundle import UNKNOWN_COLUMNS, RunnableModel, TrainedColumns
from slimtune.export.bundle.interface import Interface, PromptSettings
from slimtune.export.graph_names import Kind
from slimtune.export.registry import pyfunc
from slimtune.export.registry.pyfunc import ServedBundle, ServedModel
from slimtune.export.registry.signature import example_of, row_to_send, signature_of
from slimtune.training.data.chat_turns import turns_in
from slimtune.training.errors import DataError

CHATS: list[Any] = [
    [{"role": "user", "content": "hi"}],
    [{"role": "user", "content": [{"type": "text", "text": "h"}, {"type": "text", "text": "i"}]}],
    [{"role": "user", "content": "hi", "name": "Ann", "tool_calls": None}],
    '[{"role": "user", "content": "hi"}]',
]


def passed(row: dict[str, Any], *, is_causal: bool = True) -> dict[str, Any]:
    """A row as a served model gets it."""
    chat = "{{ messages }}" if is_causal else None
    prompt = PromptSettings("text", None, chat, {"eos_token": "</s>"}, 0, 8, is_causal=is_causal)
    kind = Kind.causal if is_causal else Kind.encoder_decoder
    interface = Interface(kind=kind, labels=[], max_length=8, pad_id=0, prompt=prompt)
    return through(interface, row)


def through(interface: Interface, row: dict[str, Any], trained: TrainedColumns = UNKNOWN_COLUMNS) -> dict[str, Any]:
    (given,) = frame_of(bundle_of(interface, trained), row).to_dict(orient="records")
    return dict(given)


def bundle_of(interface: Interface, trained: TrainedColumns) -> Any:
    manifest = SimpleNamespace(interface=interface, graphs={"model.onnx": {"outputs": {"logits": ["batch"]}}})
    return SimpleNamespace(kind=interface.kind, manifest=manifest, columns=trained)


def frame_of(bundle: Any, row: dict[str, Any]) -> Any:
    return _enforce_schema(pandas.DataFrame([row], dtype=object), signature_of(bundle).inputs)


@pytest.mark.parametrize("is_causal", [True, False])
@pytest.mark.parametrize("chat", CHATS)
def test_every_form_of_a_chat_gets_through(chat: Any, is_causal: bool) -> None:
    """Beside nothing, and beside what is no column of the model."""
    for row in ({"messages": chat}, {"messages": chat, "extra": 1}):
        given = passed(row, is_causal=is_causal)
        assert turns_in(given["messages"], "row 1") == (("user", "hi"),)


def test_a_plain_text_gets_through_to_a_model_of_chats() -> None:
    assert passed({"text": "hi"}) == {"text": "hi"}


def test_what_is_no_chat_is_the_models_to_tell() -> None:
    chat = [{"role": "user", "content": [{"type": "image"}]}]
    with pytest.raises(DataError, match="of the type 'image'"):
        turns_in(passed({"messages": chat})["messages"], "row 1")


def interface(kind: Kind, **more: Any) -> Interface:
    return Interface(kind=kind, labels=[], max_length=8, pad_id=0, **more)


@pytest.mark.parametrize("kind", [Kind.labels, Kind.numbers, Kind.tags, Kind.embedding])
def test_columns_are_those_of_training_and_the_usual_ones_too(kind: Kind) -> None:
    """Pairs as well; the input example has training's."""
    trained = TrainedColumns("review", "answer")
    wanted = interface(kind, takes_pairs=kind.takes_pairs)
    own, usual = {"review": "a", "answer": "b"}, {"text": "a", "text_pair": "b"}
    if kind is Kind.tags:
        own, usual = {"review": "a"}, {"text": "a"}
    assert through(wanted, {**own, "stars": 1}, trained) == own
    assert through(wanted, usual, trained) == usual
    bundle = bundle_of(wanted, trained)
    assert list(example_of(bundle).columns) == list(row_to_send(bundle)) == list(own)


def test_the_one_column_that_a_text_can_stand_in_is_needed() -> None:
    with pytest.raises(MlflowException, match=r"missing inputs \['text'\]"):
        through(interface(Kind.labels), {"review": "a"})


@pytest.mark.parametrize(
    ("kind", "trained", "row"),
    [
        (Kind.tags, UNKNOWN_COLUMNS, {"words": ["Ann", "left"]}),
        (Kind.labels, TrainedColumns("post.title"), {"post": {"title": "a", "more": None}}),
        (Kind.labels, TrainedColumns("text.title"), {"text": {"title": "a"}}),
    ],
)
def test_what_holds_the_text_of_a_training_row_gets_through(
    kind: Kind, trained: TrainedColumns, row: dict[str, Any]
) -> None:
    assert through(interface(kind), row, trained) == row


@pytest.mark.parametrize(
    ("wanted", "trained", "columns"),
    [
        (interface(Kind.labels, takes_pairs=True), TrainedColumns("review"), "review or text, text_pair"),
        (
            interface(Kind.causal, prompt=PromptSettings("ask", None, "{{ messages }}", {}, 0, 8, is_causal=True)),
            UNKNOWN_COLUMNS,
            "ask or messages",
        ),
    ],
)
def test_a_request_without_any_column_of_the_model_is_refused(
    wanted: Interface, trained: TrainedColumns, columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MLflow gives an empty frame then, for which there would be no answer, and no reason."""
    monkeypatch.setattr(pyfunc, "row_predictor_of", lambda *_: None)
    served = ServedModel(RunnableModel(Path(), wanted, trained=trained))
    with pytest.raises(MlflowException, match=f"no rows, or no column of it is one of the model's: {columns}"):
        served.predict(pandas.DataFrame(index=range(2)))


def test_numbers_that_json_lacks_are_answered_as_null() -> None:
    served: Any = object.__new__(ServedBundle)
    answers = [{"prediction": float("nan")}, {"prediction": [0.5, float("inf")]}, {"prediction": 0.5}]
    asks = {"answers": lambda _: answers, "remarks": lambda _: (), "moved": lambda _: None}
    served._predictor = SimpleNamespace(names=("prediction",), **asks)
    served._has_labels, served._columns = False, [["text"]]
    found = served.predict(pandas.DataFrame({"text": ["a", "b", "c"]}))
    assert list(found["prediction"]) == [None, [0.5, None], 0.5]


def test_a_number_of_a_request_gets_through_and_a_frame_of_numbers_does_not() -> None:
    """The model reads the one as a file's; MLflow refuses the other before the model is asked."""
    signature = signature_of(bundle_of(interface(Kind.labels), TrainedColumns("text"))).inputs
    request = infer_and_parse_data({"dataframe_records": [{"text": 5}, {"text": 6}]}, signature)
    assert [str(cell) for cell in _enforce_schema(request, signature)["text"]] == ["5", "6"]
    with pytest.raises(MlflowException, match="Incompatible input types for column text"):
        _enforce_schema(pandas.DataFrame({"text": [5, 6]}), signature)
