"""What MLflow lets through to a served model is what all other ways to ask it take."""

from types import SimpleNamespace
from typing import Any

import pandas
import pytest
from mlflow.models.utils import _enforce_schema

from slimtune.export.bundle.interface import Interface, PromptSettings
from slimtune.export.graph_names import Kind
from slimtune.export.registry.pyfunc import ServedBundle
from slimtune.export.registry.signature import signature_of
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
    bundle: Any = SimpleNamespace(kind=kind, manifest=SimpleNamespace(interface=interface))
    frame = _enforce_schema(pandas.DataFrame([row], dtype=object), signature_of(bundle).inputs)
    (given,) = frame.to_dict(orient="records")
    return dict(given)


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


def test_numbers_that_json_lacks_are_answered_as_null() -> None:
    served: Any = object.__new__(ServedBundle)
    answers = [{"prediction": float("nan")}, {"prediction": [0.5, float("inf")]}, {"prediction": 0.5}]
    asks = {"answers": lambda _: answers, "remarks": lambda _: (), "moved": lambda _: None}
    served._predictor = SimpleNamespace(names=("prediction",), **asks)
    served._names = {}
    found = served.predict(pandas.DataFrame({"text": ["a", "b", "c"]}))
    assert list(found["prediction"]) == [None, [0.5, None], 0.5]
