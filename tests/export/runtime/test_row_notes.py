"""What is answered although a part of it is blank is told with its rows: on the terminal, in Python and by a server."""

import logging
import re
from pathlib import Path
from typing import Any

import pandas
import pytest
from mlflow.exceptions import MlflowException
from tokenizers import Tokenizer, models

from slimtune.export.bundle.bundle import TOKENIZER, RunnableModel, TrainedColumns
from slimtune.export.bundle.interface import GenerationSettings, Interface, PromptSettings
from slimtune.export.commands import predict
from slimtune.export.graph_names import Kind
from slimtune.export.predictor import Predictor
from slimtune.export.registry.pyfunc import ServedBundle
from slimtune.export.runtime import row_predictor
from slimtune.export.runtime.given_rows import BY_COMMAND, BY_REQUEST, IN_PYTHON, AskedBy, TextColumns
from slimtune.export.runtime.row_notes import MOST_NAMED, RowNotes, Unanswered, said_of_empty
from slimtune.export.runtime.row_predictor import LocatedRow, RowPredictor, row_predictor_of
from slimtune.training.errors import DataError
from tests.conftest import write_jsonl

CHAT = "{% for m in messages %}{{ m.content }}{% endfor %}"
USER = {"role": "user", "content": "hello"}


class Graph:
    """In the place of a model."""

    def outputs(self, texts: list[Any]) -> Any:
        import numpy as np

        return np.ones((len(texts), 2))

    def spans(self, texts: list[str]) -> list[tuple[()]]:
        return [() for _ in texts]


def predictor_of(kind: Kind, folder: Path, patch: pytest.MonkeyPatch, **more: Any) -> RowPredictor:
    Tokenizer(models.WordLevel({"<pad>": 0}, unk_token="<pad>")).save(str(folder / TOKENIZER))  # no secret
    for name in ("encoder_of", "Tagger"):
        patch.setattr(row_predictor, name, lambda *_: Graph())
    patch.setattr(row_predictor, "_by_graphs", lambda *_: lambda prompts: [[0] for _ in prompts])
    chat, special = more.pop("chat", None), more.pop("special_tokens", {})
    is_causal = kind is Kind.causal
    prompt = PromptSettings("text", more.pop("template", None), chat, special, 0, 8, is_causal=is_causal)
    generation = GenerationSettings(max_new_tokens=4, pad_id=0, end_ids=[0])
    trained = more.pop("trained", TrainedColumns())
    columns = more.pop("columns", TextColumns())
    interface = Interface(kind=kind, labels=[], max_length=8, pad_id=0, generation=generation, prompt=prompt, **more)
    return row_predictor_of(RunnableModel(folder, interface, trained=trained), columns)


TOLD: list[tuple[Kind, dict[str, Any], list[dict[str, Any]], list[str]]] = [
    (
        Kind.causal,
        {"template": "In {tone}: {text}"},
        [{"tone": "plain", "text": "a"}, {"tone": None, "text": "a"}, {"tone": " ", "text": ""}],
        [
            "rows with a blank field {tone} of data.text_template, which are answered without it: 2 (row 2; row 3)",
            "rows with a blank field {text} of data.text_template, which are answered without it: 1 (row 3)",
        ],
    ),
    (
        Kind.causal,
        {"chat": CHAT},
        [{"messages": [USER]}, {"messages": [USER, {"role": "user", "content": " "}], "tools": [{"name": "f"}]}],
        [
            "rows with 'tools' beside 'messages', which the chat template is not given: 1; write into a system turn "
            "what the model shall know of it",
            "rows with turns of 'messages' without text, which are written as they are: 1 (row 2)",
        ],
    ),
    (
        Kind.causal,
        {"chat": CHAT},
        [{"messages": [USER]}, {"messages": [USER, {"role": "assistant", "content": "hi"}]}],
        ["chats that end with a turn of the assistant, which the model is not given: it answers anew: 1 (row 2)"],
    ),
    (
        Kind.causal,
        {"chat": CHAT},
        [{"messages": [USER]}, {"text": "hello"}],
        ["rows without 'messages', whose prompts are written without the model's chat template: 1 (row 2)"],
    ),
    (
        Kind.encoder_decoder,
        {"special_tokens": {"eos_token": "</s>"}},
        [{"messages": [USER]}, {"text": "hello"}],
        ["rows without 'messages', whose prompts are written without a role before them: 1 (row 2)"],
    ),
    (
        Kind.numbers,
        {"takes_pairs": True},
        [{"text": "a", "text_pair": "b"}, {"text": "a", "text_pair": None}],
        ["rows with a blank second text, which are answered: 1 (row 2)"],
    ),
    (
        Kind.tags,
        {},
        [{"words": ["Ann", "", "left"]}, {"words": ["Ann"]}, {"text": "Ann left"}],
        ["rows with blank words in their list of words, which leave blanks in the text: 1 (row 1)"],
    ),
    (
        Kind.numbers,
        {},
        [{"text": "a\0"}, {"text": ""}, {"text": None}],
        [
            "texts with NUL characters (\\x00): 1, e.g. 'a\\x00'; they are kept as they are",
            "2 rows have no text, and each of them is not answered (null): row 2; row 3",
        ],
    ),
]


@pytest.mark.parametrize(("kind", "more", "rows", "notes"), TOLD)
def test_every_way_to_ask_tells_the_same(  # noqa: PLR0913
    kind: Kind,
    more: dict[str, Any],
    rows: list[dict[str, Any]],
    notes: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    predictor = predictor_of(kind, tmp_path, monkeypatch, **more)
    path = write_jsonl(tmp_path / "r.jsonl", rows)
    predict._write_file(str(path), str(tmp_path / "out.jsonl"), predictor, 2)
    told = capsys.readouterr().err.replace(f"{path}, row", "row").replace(f"{path}: ", "")
    assert told.splitlines() == [f"slimtune: {note}" for note in notes]
    served = object.__new__(ServedBundle)
    served._predictor, served._has_labels = predictor, False
    served._columns = [["text", "messages", "words"], ["text_pair"]]
    with caplog.at_level(logging.WARNING):
        served.predict(pandas.DataFrame(rows, dtype=object))
        assert caplog.messages == notes
        caplog.clear()
        Predictor(predictor).rows(rows)
        assert caplog.messages == notes


@pytest.mark.parametrize("kind", [Kind.numbers, Kind.tags, Kind.embedding])
def test_rows_that_are_read_from_another_column_than_in_training_are_told(
    kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For all rows, as those of a text file; where some have that column, a row without it is an error."""
    predictor = predictor_of(kind, tmp_path, monkeypatch, trained=TrainedColumns("review"))
    notes = RowNotes(predictor)
    notes.see(LocatedRow({"text": "b"}, "row 1"))
    notes.see(LocatedRow({"text": "c"}, "row 2"))
    notes.check()
    assert notes.notes() == ["there is no column 'review', as in training; texts are read from 'text'"]
    notes.see(LocatedRow({"review": "a", "text": "b"}, "row 3"))
    with pytest.raises(DataError, match="row 1: no column 'review', which other rows have; its 'text' is not read"):
        notes.check()
    with pytest.raises(
        DataError, match=r"no column 'review', by .* trained, and no 'text' \(--text-column\); the row has note"
    ):
        predictor.reads(LocatedRow({"note": "x"}, "row 4"))


def test_a_request_whose_rows_have_their_text_in_different_columns_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a file of them is: in the frame, where each row has all columns, what it lacks is null."""
    columns = TextColumns(asked_by=BY_REQUEST)
    served = object.__new__(ServedBundle)
    served._predictor = predictor_of(
        Kind.numbers, tmp_path, monkeypatch, trained=TrainedColumns("review"), columns=columns
    )
    served._has_labels, served._columns = False, [["review", "text"]]
    told = "row 2: no column 'review', which other rows have; its 'text' is not read instead"
    with pytest.raises(MlflowException, match=told):
        served.predict(pandas.DataFrame([{"review": "a"}, {"text": "b"}], dtype=object))
    nothing = served.predict(pandas.DataFrame([{"review": "a"}, {"review": None}], dtype=object))
    assert [one is None for one in nothing["prediction"]] == [False, True]


@pytest.mark.parametrize(
    ("asked_by", "said"),
    [
        (BY_COMMAND, ("(--text-column)", "e.g. --text-column text.b", "name one column with --text-column")),
        (IN_PYTHON, ("(TextColumns.text)", "e.g. TextColumns(text='text.b')", "by columns=TextColumns(text=...)")),
        (BY_REQUEST, ("(the text)", "with b; give a text", "or send all rows with one of the two columns")),
    ],
)
def test_a_message_names_what_its_reader_can_change(
    asked_by: AskedBy, said: tuple[str, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An option on the command line, an argument in Python, and of a served model the rows that are sent."""
    columns = TextColumns(asked_by=asked_by)
    predictor = predictor_of(Kind.numbers, tmp_path, monkeypatch, trained=TrainedColumns("review"), columns=columns)
    lacking, nested, moved = said
    for row, words in (({"note": "x"}, lacking), ({"text": {"b": "x"}}, nested)):
        with pytest.raises(DataError, match=re.escape(words)):
            predictor.reads(LocatedRow(row, "row 1"))
    notes = RowNotes(predictor)
    for number, name in enumerate(("text", "review")):
        notes.see(LocatedRow({name: "x"}, f"row {number}"))
    with pytest.raises(DataError, match=re.escape(moved)):
        notes.check()


def test_a_text_on_the_command_line_is_told_as_a_row_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    predictor = predictor_of(Kind.causal, tmp_path, monkeypatch, template="Say: {text}")
    predict._print_texts(["", "a"], [None, None], predictor)
    assert "blank field {text} of data.text_template" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "more"), [(Kind.causal, {"chat": CHAT}), (Kind.encoder_decoder, {"special_tokens": {"eos_token": "</s>"}})]
)
def test_a_single_text_is_the_turn_of_a_chat_where_chats_were_learned(
    kind: Kind, more: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert predictor_of(kind, tmp_path, monkeypatch, **more).row_of("hello", None) == {"messages": [USER]}


def test_the_first_rows_are_named_and_all_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = RowNotes(predictor_of(Kind.causal, tmp_path, monkeypatch, template="Say: {text}"))
    for number in range(1, MOST_NAMED + 3):
        notes.see(LocatedRow({"text": None}, f"row {number}"))
    (told,) = notes.notes()
    assert told.endswith(f"without it: {MOST_NAMED + 2} ({'; '.join(f'row {at + 1}' for at in range(10))} and 2 more)")


def test_answers_that_json_lacks_are_told_apart_from_rows_without_text() -> None:
    unanswered = Unanswered()
    unanswered.note("row 1", {"prediction": None, "probability": None})
    unanswered.note("row 2", {"prediction": "a", "probability": float("nan")})
    unanswered.note("row 3", {"prediction": [0.5, float("inf")]})
    unanswered.note("row 4", {"prediction": [{"start": 0, "label": "a"}]})
    empty, infinite = unanswered.notes()
    assert empty == "row 1 has no text and is not answered (null)"
    assert "is NaN or infinite, which JSON has no number for (null), for row 2, row 3; its weights" in infinite


def test_what_is_blank_in_a_row_that_is_left_out_is_named() -> None:
    """An answer that is not there is no text that is not there."""
    answer = {"'Answer' (target_column)": 1}
    assert said_of_empty(["row 2"], then="is not scored", blank=answer) == (
        "row 2 has nothing in 'Answer' (target_column) and is not scored"
    )
    both = answer | {"'Question' (text_column)": 1}
    told = said_of_empty(["row 2", "row 4"], then="is not scored", blank=both)
    assert told == (
        "2 rows have nothing in 'Answer' (target_column) or 'Question' (text_column), and each of them is not scored: "
        "row 2; row 4"
    )
