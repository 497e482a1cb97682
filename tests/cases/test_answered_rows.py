"""Every row is answered, or told with the reason: one rule for a checkpoint, a run, a bundle and a served model.

The same for every other kind of model stands in `tests/export/test_tasks.py`.
"""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas
import pytest

from slimtune.export.bundle.bundle import RunnableModel, TrainedColumns, open_bundle
from slimtune.export.bundle.interface import GenerationSettings, Interface, PromptSettings
from slimtune.export.evaluation.evaluate_model import evaluate_model
from slimtune.export.graph_names import Kind
from slimtune.export.pipeline import export_checkpoint
from slimtune.export.registry.pyfunc import ServedBundle
from slimtune.export.runtime import row_predictor
from slimtune.export.runtime.classifier import Answer
from slimtune.export.runtime.given_rows import IN_PYTHON, LocatedRow, TextColumns, free_names
from slimtune.export.runtime.row_predictor import RowPredictor, row_predictor_of
from slimtune.sweeper.cli import main
from slimtune.training.errors import DataError
from tests.conftest import make_rows, write_jsonl
from tests.export.answering import ODD, WAYS, Answering, same
from tests.export.conftest import export_config, no_timing, trained


@pytest.fixture(scope="module")
def made(tiny_model: Path, rows_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Answering:
    """A classifier, hardly trained: what is tested is which rows are answered, and that all answer the same."""
    folder = tmp_path_factory.mktemp("answering")
    checkpoint = trained(folder, tiny_model, rows_file, "fit.max_steps=4")
    asked = export_config(variants=[], min_agreement=0.0, max_metric_drop=1.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("slimtune.export.verification.measured_variants.measure", no_timing)
        result = export_checkpoint(checkpoint, config=asked, folder=folder / "export")
    assert result.bundle is not None
    return Answering(checkpoint, result.bundle.folder, folder)


def labelled(*texts: Any) -> list[dict[str, Any]]:
    return [{"text": text, "label": "plus"} for text in texts]


@pytest.mark.parametrize("way", WAYS)
def test_t5_rows_without_text_are_left_out_by_all_alike(way: str, made: Answering) -> None:
    """Empty, blank and null: None in their places, and the same answers in the others."""
    rows = labelled("good soup", "", "awful table", None, "  \n")
    found = made.answers(way, rows)
    assert [answer is None for answer in found] == [False, True, False, True, True]
    assert all(map(same, found, made.answers("checkpoint", rows)))


def test_a_served_model_answers_with_the_index_of_its_rows(made: Answering) -> None:
    """So that answers can be assigned to a frame that was shuffled or filtered."""
    frame = pandas.DataFrame(labelled("good soup", "", "awful table"), dtype=object)
    model = ServedBundle(made.bundle)
    alone = model.predict(frame)
    shuffled = frame.iloc[[2, 0, 1]]
    assert model.predict(shuffled).index.tolist() == [2, 0, 1]
    assert shuffled.assign(label=model.predict(shuffled)["label"])["label"].sort_index().tolist() == [
        *alone["label"].tolist()
    ]
    assert model.predict(frame[:0]).empty


@pytest.mark.parametrize("way", WAYS)
def test_a_missing_column_is_answered_with_the_nearest_name(
    way: str, made: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    told = made.refusal(way, [{"textt": "bad soup", "label": "plus"}], capsys)
    assert "row 1: no column 'text'" in told
    assert "did you mean 'textt'?" in told


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("value", [{"title": "good"}, ["good", "soup"]])
def test_a_cell_that_is_no_text_is_told_with_its_row(
    way: str, value: Any, made: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "row 2: column 'text' holds" in made.refusal(way, labelled("good soup", value), capsys)


@pytest.mark.parametrize("way", WAYS)
def test_odd_texts_are_answered_by_all(way: str, made: Answering) -> None:
    few = [text for name, text in ODD.items() if "long" not in name]
    assert all(answer is not None for answer in made.answers(way, labelled(*few)))


def test_odd_texts_are_written_as_they_were_read(
    made: Answering, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """To a file and to the terminal, whose lines stay lines."""
    bundle, rows = str(made.bundle), [{"text": text, "n": at} for at, text in enumerate(ODD.values())]
    source, out = str(write_jsonl(tmp_path / "odd.jsonl", rows)), tmp_path / "out.jsonl"
    assert main(["predict", "--model", bundle, "--file", source, "--out", str(out)]) == 0
    capsys.readouterr()
    assert main(["predict", "--model", bundle, "--file", source]) == 0
    printed = capsys.readouterr().out
    for text in (out.read_text(encoding="utf-8"), printed):
        read = [json.loads(line) for line in text.splitlines()]
        assert [{"text": row["text"], "n": row["n"]} for row in read] == rows
    assert main(["predict", "--model", bundle, "--text", "two\nlines\tand \ud800", "--text", "one"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("\ttwo\\nlines\\tand \\ud800")
    assert second.endswith("\tone")


def test_s13_a_column_of_the_users_is_kept(made: Answering, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever row has it; ours gets another name in all of them, which is told."""
    bundle, out = str(made.bundle), tmp_path / "out.jsonl"
    rows = [{"text": "good"}, {"text": "bad", "prediction": "old", "score": 5}]
    source = str(write_jsonl(tmp_path / "has_prediction.jsonl", rows))
    assert main(["predict", "--model", bundle, "--file", source, "--out", str(out)]) == 0
    assert "has a column 'prediction', which is kept; the model's is written as 'model_prediction'" in (
        capsys.readouterr().err
    )
    first, second = map(json.loads, out.read_text().splitlines())
    assert first.keys() == {"text", "model_prediction", "probability"}
    assert second.items() >= rows[1].items()
    assert isinstance(second["model_prediction"], str)


@pytest.mark.parametrize(
    ("taken", "name"),
    [
        (set(), "prediction"),
        ({"prediction"}, "model_prediction"),
        ({"prediction", "model_prediction"}, "model_prediction_2"),
        ({"prediction", "model_prediction", "model_prediction_2"}, "model_prediction_3"),
    ],
)
def test_s13_a_name_is_free(taken: set[str], name: str) -> None:
    assert free_names(["prediction", "probability"], taken) == {"prediction": name, "probability": "probability"}


def test_s13_other_columns_of_ours_and_of_evaluate_too(made: Answering, tmp_path: Path) -> None:
    """`probability` is ours as well; `evaluate --predictions` follows the same rule."""
    rows = [{"text": "good", "label": "plus", "probability": "high", "prediction": "a", "model_prediction": "b"}]
    source, out = str(write_jsonl(tmp_path / "rows.jsonl", rows)), str(tmp_path / "out.jsonl")
    assert main(["predict", "--model", str(made.bundle), "--file", source, "--out", out]) == 0
    written = json.loads(Path(out).read_text())
    assert written.keys() == rows[0].keys() | {"model_prediction_2", "model_probability"}
    assert written.items() >= rows[0].items()
    for model in (made.checkpoint, made.bundle):
        (told,) = evaluate_model(model, data=rows).predictions
        assert told.keys() == rows[0].keys() | {"model_prediction_2"}
        assert told.items() >= rows[0].items()


def test_t5_predict_tells_the_rows_without_text(
    made: Answering, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", "--model", str(made.bundle), "--text", ""]) == 0
    told = capsys.readouterr()
    assert told.out == "-\t-\t\n"
    assert told.err == "slimtune: --text, row 1 has no text and is not answered (null)\n"
    source = str(write_jsonl(tmp_path / "empty_between.jsonl", labelled("lovely river", "", "awful carpet", None)))
    assert main(["predict", "--model", str(made.bundle), "--file", source]) == 0
    told = capsys.readouterr()
    assert f"2 rows have no text, and each of them is not answered (null): {source}, row 2; {source}, row 4" in told.err
    assert [json.loads(line)["probability"] is None for line in told.out.splitlines()] == [False, True, False, True]


@pytest.mark.parametrize("which", ["checkpoint", "bundle"])
def test_t5_evaluate_tells_the_rows_without_text(
    which: str, made: Answering, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scores are of the others; nothing but empty rows cannot be scored."""
    model = str(getattr(made, which))
    source = str(write_jsonl(tmp_path / "rows.jsonl", labelled("good soup", "", "bad soup")))
    assert main(["evaluate", "--model", model, "--data", source, "--no-log", "--json"]) == 0
    told = capsys.readouterr()
    lacking = "nothing in 'text' (text_column)" if which == "checkpoint" else "no text"
    assert told.err == f"slimtune: {source}, row 2 has {lacking} and is not scored\n"
    scores = json.loads(told.out)
    assert (scores["num_rows"], scores["left_out"]) == (2, [f"{source}, row 2"])
    nothing = str(write_jsonl(tmp_path / "nothing.jsonl", labelled("", " ")))
    assert main(["evaluate", "--model", model, "--data", nothing]) == 2
    assert "none of its 2 rows has a text" in capsys.readouterr().err


def test_predictions_are_written_when_nobody_reads_the_scores(
    made: Answering, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = str(write_jsonl(tmp_path / "rows.jsonl", labelled("good soup", "bad soup")))
    reading, writing = os.pipe()
    os.close(reading)
    written = tmp_path / "predictions.jsonl"
    given = ["evaluate", "--model", str(made.bundle), "--data", source, "--no-log", "--predictions", str(written)]
    with os.fdopen(writing, "w", buffering=1) as closed:
        monkeypatch.setattr(sys, "stdout", closed)
        assert main(given) == 0
    assert len(written.read_text().splitlines()) == 2


def test_a_row_that_cannot_be_read_is_told_before_the_first_is_answered(
    made: Answering, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also on a terminal, which would have had half of the rows."""
    rows = [*({"text": f"good soup {number}"} for number in range(600)), {"text": ["a", "list"]}]
    source = str(write_jsonl(tmp_path / "rows.jsonl", rows))
    assert main(["predict", "--model", str(made.bundle), "--file", source]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert f"{source}, row 601: column 'text' holds a list" in told.err


class FakeGraph:
    """In the place of what runs a model: keeps what it is given."""

    def __init__(self, *_: object) -> None:
        self.given: list[Any] = []

    def answer(self, texts: list[Any]) -> list[Answer]:
        self.given += texts
        return [Answer(("yes",), (0.9,))] * len(texts)

    def outputs(self, texts: list[Any]) -> Any:
        import numpy as np

        self.given += texts
        return np.ones((len(texts), 2))


def predictor_of(kind: Kind, monkeypatch: pytest.MonkeyPatch, **more: Any) -> tuple[RowPredictor, FakeGraph]:
    """Of a model that was trained on `question` and `passage`."""
    graph = FakeGraph()
    for name in ("Classifier", "encoder_of"):
        monkeypatch.setattr(row_predictor, name, lambda *_: graph)
    interface = Interface(kind=kind, labels=["yes"], max_length=8, pad_id=0, **more)
    trained_on = TrainedColumns("question", "passage")
    return row_predictor_of(RunnableModel(Path(), interface, trained=trained_on), TextColumns()), graph


def asked(*rows: dict[str, Any]) -> list[LocatedRow]:
    return [LocatedRow(row, f"row {number}") for number, row in enumerate(rows, start=1)]


def test_columns_are_those_of_training_or_the_usual_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without being told; what stands under both names was meant as in training."""
    predictor, graph = predictor_of(Kind.labels, monkeypatch, takes_pairs=True)
    both = {"question": "a", "passage": "b", "text": "c", "text_pair": "d"}
    predictor.answers(asked({"question": "a", "passage": "b"}, {"text": "c", "text_pair": "d"}, both))
    assert graph.given == [("a", "b"), ("c", "d"), ("a", "b")]
    with pytest.raises(
        DataError,
        match=r"row 1: no column 'question', by .* and no 'text' \(--text-column\); .* did you mean 'questio'",
    ):
        predictor.reads(asked({"questio": "a"})[0])


def test_of_two_texts_the_second_may_be_empty_as_in_training(monkeypatch: pytest.MonkeyPatch) -> None:
    predictor, graph = predictor_of(Kind.labels, monkeypatch, takes_pairs=True)
    found = predictor.answers(asked({"text": "a", "text_pair": None}, {"text": None, "text_pair": "b"}))
    assert graph.given == [("a", "")]
    assert found[1] == {"prediction": None, "probability": None}
    with pytest.raises(DataError, match="row 1: no column 'passage'"):
        predictor.answers(asked({"text": "a"}))


def test_a_cosine_is_of_two_texts_and_a_vector_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty second text is none to compare with; a row without the column asks for the vector of its first."""
    predictor, _ = predictor_of(Kind.embedding, monkeypatch)
    rows = asked({"text": "a", "text_pair": "b"}, {"text": "a", "text_pair": " "}, {"text": "a"}, {"text": ""})
    assert [list(values) for values in predictor.answers(rows)] == [
        *(["prediction"], ["prediction"], ["embedding"], ["prediction"])
    ]
    assert predictor.answers(rows[1:2]) == [{"prediction": None}]


def test_rows_that_are_all_empty_are_answered_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A graph takes no batch of nothing."""
    for kind in (Kind.labels, Kind.numbers, Kind.embedding):
        predictor, graph = predictor_of(kind, monkeypatch)
        assert predictor.answers(asked({"text": ""}))[0]["prediction"] is None
        assert predictor.answers([]) == graph.given == []


def test_a_served_model_says_which_row_it_cannot_take(made: Answering) -> None:
    """MLflow answers a bad request with the sentence, and no trace; what pandas has for nothing is null."""
    from mlflow.exceptions import MlflowException

    served = ServedBundle(made.bundle)
    with pytest.raises(MlflowException, match="row 2: column 'text' holds an object") as raised:
        served.predict(pandas.DataFrame({"text": ["a", {"b": "c"}]}))
    assert raised.value.error_code == "INVALID_PARAMETER_VALUE"
    frame = pandas.DataFrame(
        {"text": ["a", float("nan"), pandas.NA], "extra": [1, 2, 3], "prediction": ["x", "y", "z"]}
    )
    found = served.predict(frame)
    assert list(found.columns) == ["prediction", "probability", "label"]
    assert list(found["probability"])[1:] == [None, None]


@pytest.mark.parametrize(("given", "room"), [(None, 8), (20, 8), (28, 4)])
def test_prompts_leave_room_for_the_answer(
    given: int | None, room: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A causal model has positions for both; a longer answer than it has any for is refused at once."""
    seen: list[int] = []
    monkeypatch.setattr(row_predictor, "Prompter", lambda _, prompt, __: seen.append(prompt.max_tokens))
    monkeypatch.setattr(row_predictor, "_by_graphs", lambda *_: None)
    prompt = PromptSettings("text", None, None, {}, 0, 8, is_causal=True)
    generation = GenerationSettings(max_new_tokens=4, pad_id=0, end_ids=[0])
    interface = Interface(
        kind=Kind.causal, labels=[], max_length=8, pad_id=0, max_positions=32, generation=generation, prompt=prompt
    )
    model = RunnableModel(tmp_path, interface)
    row_predictor_of(model, TextColumns(), max_new_tokens=given)
    assert seen == [room]
    with pytest.raises(DataError, match="--max-new-tokens is 32, and the model has 32 positions; use at most 31"):
        row_predictor_of(model, TextColumns(), max_new_tokens=32)
    asks = replace(interface, generation=generation._replace(min_new_tokens=3))
    in_python = TextColumns(asked_by=IN_PYTHON)
    with pytest.raises(DataError, match=r"^max_new_tokens is 2, and .* an answer has at least 3 tokens; use 3 or more"):
        row_predictor_of(model._replace(interface=asks), in_python, max_new_tokens=2)
    with pytest.raises(DataError, match=r"^max_new_tokens is 0"):
        row_predictor_of(model, in_python, max_new_tokens=0)


def test_a_pipe_is_read_once(made: Answering, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All rows are looked at before the first is answered, also where they cannot be read twice."""
    import os
    import threading

    pipe = tmp_path / "rows.jsonl"
    os.mkfifo(pipe)
    writing = threading.Thread(target=write_jsonl, args=(pipe, make_rows(3)))
    writing.start()
    assert main(["predict", "--model", str(made.bundle), "--file", str(pipe)]) == 0
    writing.join()
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_the_signature_asks_for_no_more_than_the_model_needs(made: Answering) -> None:
    from slimtune.export.registry.signature import signature_of

    bundle = open_bundle(made.bundle)
    assert [(column.name, column.required) for column in signature_of(bundle).inputs] == [("text", True)]
