"""Every row is answered, or told with the reason: one rule for a checkpoint, a run, a bundle and a served model."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas
import pytest

from slimtune.export.bundle.bundle import open_bundle
from slimtune.export.evaluation.evaluate_model import evaluate_model
from slimtune.export.pipeline import export_checkpoint
from slimtune.export.predictor import Predictor
from slimtune.export.registry.mlflow_registry import signature_of
from slimtune.export.registry.pyfunc import ServedBundle
from slimtune.export.runtime.given_rows import free_names
from slimtune.sweeper.cli import main
from slimtune.training.errors import DataError
from tests.conftest import write_jsonl
from tests.export.conftest import export_config, no_timing, trained
from tests.training.tasks.conftest import CASES
from tests.training.tasks.conftest import bases as bases

BY_NAME = {case.name: case for case in CASES}
CLASSIFIER = "classification"
KINDS = (
    *(CLASSIFIER, "multi_label", "pairs", "extraction", "similarity", "a task of one's own"),
    *("generation, LoRA", "generation, LoRA, encoder-decoder"),
)
MODELS = ("checkpoint", "run", "bundle", "predict", "served")
RUN, STORE = "0a1b2c", "http://localhost:1"


class Made(NamedTuple):
    """A model of one kind, hardly trained: what is tested is which rows are answered, and that all answer the same."""

    name: str
    checkpoint: Path
    bundle: Path
    column: str

    def rows(self, *texts: str | None) -> list[dict[str, Any]]:
        """Rows of the task with these texts."""
        known = BY_NAME[self.name].rows
        return [{**row, self.column: text} for row, text in zip(known, texts, strict=False)]


Maker = Callable[[str], Made]


@pytest.fixture(scope="session")
def make(tiny_model: Path, bases: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Maker:
    """Trains and exports a kind when it is first asked for."""
    known: dict[str, Made] = {}

    def made(name: str) -> Made:
        if name not in known:
            known[name] = _make(name, tiny_model, bases, tmp_path_factory.mktemp("kind"))
        return known[name]

    return made


def _make(name: str, tiny_model: Path, bases: dict[str, Path], folder: Path) -> Made:
    case = BY_NAME[name]
    rows = write_jsonl(folder / "rows.jsonl", case.rows)
    words = [word.replace("=LLAMA", f"={bases['LLAMA']}").replace("=T5", f"={bases['T5']}") for word in case.overrides]
    model = [] if any(word.startswith("model") for word in words) else [f"model.name_or_path={tiny_model}"]
    column = "input" if name.startswith("generation") else "text"
    own = [f"data.text_column={column}", "data.drop_leaks=false", "fit.max_steps=2", "fit.learning_rate=1e-2"]
    checkpoint = trained(folder, None, rows, *model, *words, *own)
    asked = export_config(variants=[], min_agreement=0.0, max_metric_drop=1.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("slimtune.export.verification.measured_variants.measure", no_timing)
        result = export_checkpoint(checkpoint, config=asked, folder=folder / "export")
    assert result.bundle is not None
    return Made(name, checkpoint, result.bundle.folder, column)


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Any]]:
    """What a kind answers to rows, asked as one of `MODELS`."""

    def asked(made: Made, model: str, rows: Sequence[dict[str, Any]], *, name: str = "prediction") -> list[Any]:
        path = str(write_jsonl(tmp_path / "asked.jsonl", rows))
        match model:
            case "checkpoint":
                return [row[name] for row in evaluate_model(made.checkpoint, data=path).predictions]
            case "run":
                door = "slimtune.training.tracking.mlflow_runs.download_run_folder"
                monkeypatch.setattr(door, lambda *_: made.checkpoint)
                return [row[name] for row in evaluate_model(RUN, data=path, tracking_uri=STORE).predictions]
            case "bundle":
                return [row[name] for row in evaluate_model(made.bundle, data=path).predictions]
            case "predict":
                out = tmp_path / "out.jsonl"
                assert main(["predict", "--model", str(made.bundle), "--file", path, "--out", str(out)]) == 0
                return [json.loads(line)[name] for line in out.read_text().splitlines()]
            case _:
                frame = ServedBundle(made.bundle).predict(pandas.DataFrame(rows))
                return list(frame["label" if "label" in frame else "prediction"])

    return asked


def same(first: Any, second: Any) -> bool:
    """Whether two models mean the same; numbers of a graph differ in the last places."""
    return bool(first == (pytest.approx(second, abs=1e-3) if isinstance(second, float) else second))


@pytest.mark.parametrize("kind", KINDS)
def test_t5_rows_without_text_are_left_out_by_all_alike(
    kind: str, make: Maker, answers: Callable[..., list[Any]]
) -> None:
    """Empty, blank and null: None in their places, and the same answers in the others."""
    made = make(kind)
    rows = made.rows("Mara left Oslo", "", "Mara saw Oslo", None, "  \n")
    if kind == "extraction":
        rows = [{**row, "label": []} for row in rows]
    expected = answers(made, "checkpoint", rows)
    assert [answer is None for answer in expected] == [False, True, False, True, True]
    for model in MODELS[1:]:
        found = answers(made, model, rows)
        assert all(map(same, found, expected)), (model, found, expected)


@pytest.mark.parametrize("model", MODELS)
def test_a_missing_column_is_answered_with_the_nearest_name(
    model: str, make: Maker, answers: Callable[..., list[Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"text": "good soup", "label": "Oslo"}, {"textt": "bad soup", "label": "Oslo"}]
    if model in ("predict", "served"):
        rows[0]["textt"] = "good soup"
    try:
        answers(make(CLASSIFIER), model, rows[1:] if model == "served" else rows)
        message = ""
    except Exception as error:  # noqa: BLE001  # MLflow's, ours, or a failed exit code
        message = f"{error}{capsys.readouterr().err}"
    assert "no column 'text'" in message
    assert "did you mean 'textt'?" in message


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("value", [{"title": "good"}, ["good", "soup"]])
def test_a_cell_that_is_no_text_is_told_with_its_row(
    model: str, value: Any, make: Maker, answers: Callable[..., list[Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"text": "good soup", "label": "Oslo"}, {"text": value, "label": "Oslo"}]
    try:
        answers(make(CLASSIFIER), model, rows)
        message = ""
    except Exception as error:  # noqa: BLE001  # as above
        message = f"{error}{capsys.readouterr().err}"
    assert "row 2: column 'text' holds" in message


ODD = {
    "half a surrogate pair": "good \ud800 soup",
    "nul": "good\0soup",
    "control characters": "good\x07\x1b[31m soup",
    "nothing but controls": "\x01\x02",
    "a separator of lines": "good\u2028soup",
    "right to left": "\u202egood \u05e9\u05dc\u05d5\u05dd",
    "an emoji of several parts": "\U0001f469\u200d\U0001f469\u200d\U0001f467 good",
    "nothing to see": "\u200b\u200b",
    "very long": "good soup " * 20_000,
    "one long word": "x" * 100_000,
}


@pytest.mark.parametrize("kind", [CLASSIFIER, "pairs", "extraction", "similarity", *KINDS[-2:]])
def test_odd_texts_are_answered(kind: str, make: Maker) -> None:
    """Each by itself, and all together."""
    made = make(kind)
    predictor = Predictor.open(made.bundle)
    rows = [{"text": text, "input": text, "other": text} for text in ODD.values()]
    found = predictor.rows(rows)
    assert all(one["prediction"] is not None for one in found)
    for name, row in zip(ODD, rows, strict=True):
        assert predictor.rows([row])[0]["prediction"] is not None, name


def test_odd_texts_are_written_as_they_were_read(
    make: Maker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """To a file and to the terminal, whose lines stay lines."""
    bundle, rows = str(make(CLASSIFIER).bundle), [{"text": text, "n": at} for at, text in enumerate(ODD.values())]
    source, out = str(write_jsonl(tmp_path / "odd.jsonl", rows)), tmp_path / "out.jsonl"
    assert main(["predict", "--model", bundle, "--file", source, "--out", str(out)]) == 0
    capsys.readouterr()
    assert main(["predict", "--model", bundle, "--file", source]) == 0
    printed = capsys.readouterr().out
    for text in (out.read_text(encoding="utf-8"), printed):
        read = [json.loads(line) for line in text.split("\n") if line]
        assert [{"text": row["text"], "n": row["n"]} for row in read] == rows
    assert main(["predict", "--model", bundle, "--text", "two\nlines\tand \ud800", "--text", "one"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("\ttwo\\nlines\\tand \\ud800")
    assert second.endswith("\tone")


def test_s13_a_column_of_the_users_is_kept(make: Maker, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever row has it; ours gets another name in all of them, which is told."""
    bundle, out = str(make(CLASSIFIER).bundle), tmp_path / "out.jsonl"
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


def test_s13_other_columns_of_ours_and_of_evaluate_too(make: Maker, tmp_path: Path) -> None:
    """`probability` and `embedding` are ours as well; `evaluate --predictions` follows the same rule."""
    rows = [{"text": "good", "label": "Oslo", "probability": "high", "prediction": "a", "model_prediction": "b"}]
    source, out = str(write_jsonl(tmp_path / "rows.jsonl", rows)), str(tmp_path / "out.jsonl")
    for kind, ours in ((CLASSIFIER, {"model_prediction_2", "model_probability"}), ("similarity", {"embedding"})):
        assert main(["predict", "--model", str(make(kind).bundle), "--file", source, "--out", out]) == 0
        written = json.loads(Path(out).read_text())
        assert written.keys() == rows[0].keys() | ours
        assert written.items() >= rows[0].items()
    for model in (make(CLASSIFIER).checkpoint, make(CLASSIFIER).bundle):
        (told,) = evaluate_model(model, data=rows).predictions
        assert told.keys() == rows[0].keys() | {"model_prediction_2"}
        assert told.items() >= rows[0].items()


def test_t5_predict_tells_the_rows_without_text(
    make: Maker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle, made = str(make(CLASSIFIER).bundle), make(CLASSIFIER)
    assert main(["predict", "--model", bundle, "--text", ""]) == 0
    told = capsys.readouterr()
    assert told.out == "-\t-\t\n"
    assert told.err == "slimtune: --text, row 1 has no text and is not answered (null)\n"
    source = str(write_jsonl(tmp_path / "empty_between.jsonl", made.rows("lovely river", "", "awful carpet", None)))
    assert main(["predict", "--model", bundle, "--file", source]) == 0
    told = capsys.readouterr()
    assert f"2 rows have no text, and each of them is not answered (null): {source}, row 2; {source}, row 4" in told.err
    assert [json.loads(line)["probability"] is None for line in told.out.splitlines()] == [False, True, False, True]


@pytest.mark.parametrize("which", ["checkpoint", "bundle"])
def test_t5_evaluate_tells_the_rows_without_text(
    which: str, make: Maker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scores are of the others; nothing but empty rows cannot be scored."""
    made = make(CLASSIFIER)
    model = str(getattr(made, which))
    source = str(write_jsonl(tmp_path / "rows.jsonl", made.rows("Mara left Oslo", "", "Ben saw Oslo")))
    assert main(["evaluate", "--model", model, "--data", source, "--no-log", "--json"]) == 0
    told = capsys.readouterr()
    assert told.err == f"slimtune: {source}, row 2 has no text and is not scored\n"
    scores = json.loads(told.out)
    assert (scores["num_rows"], scores["left_out"]) == (2, [f"{source}, row 2"])
    nothing = str(write_jsonl(tmp_path / "nothing.jsonl", made.rows("", " ")))
    assert main(["evaluate", "--model", model, "--data", nothing]) == 2
    assert "none of its 2 rows has a text" in capsys.readouterr().err


def test_a_row_that_cannot_be_read_is_told_before_the_first_is_answered(
    make: Maker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also on a terminal, which would have had half of the rows."""
    rows = [*({"text": f"good soup {number}"} for number in range(600)), {"text": ["a", "list"]}]
    source = str(write_jsonl(tmp_path / "rows.jsonl", rows))
    assert main(["predict", "--model", str(make(CLASSIFIER).bundle), "--file", source]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert f"{source}, row 601: column 'text' holds a list" in told.err


def test_of_two_texts_the_second_may_be_empty_as_in_training(make: Maker) -> None:
    """But for a cosine, which is of two; of a row without the column it is the vector of the first."""
    pairs, cosine = (Predictor.open(make(kind).bundle) for kind in ("pairs", "similarity"))
    assert pairs.rows([{"text": "Mara left it", "other": None}])[0]["prediction"] in ("yes", "no")
    with pytest.raises(DataError, match="row 1: no column 'text_pair'"):
        pairs.rows([{"text": "Mara left it"}])
    assert cosine.rows([{"text": "Mara", "other": ""}]) == [{"prediction": None}]
    assert cosine.rows([{"text": "Mara"}])[0].keys() == {"embedding"}


def test_columns_are_those_of_training_or_the_usual_ones(make: Maker) -> None:
    """A model that was trained on `other` takes it, and `text_pair`, without being told."""
    predictor = Predictor.open(make("pairs").bundle)
    first, second = predictor.rows([{"text": "Mara", "other": "it"}, {"text": "Mara", "text_pair": "it"}])
    assert first == second


def test_a_served_model_says_which_row_it_cannot_take_and_needs_no_second_text(make: Maker) -> None:
    """MLflow answers a bad request with the sentence, and no trace."""
    from mlflow.exceptions import MlflowException

    served = ServedBundle(make("similarity").bundle)
    with pytest.raises(MlflowException, match="row 2: column 'text' holds an object") as raised:
        served.predict(pandas.DataFrame({"text": ["a", {"b": "c"}]}))
    assert raised.value.error_code == "INVALID_PARAMETER_VALUE"
    assert len(served.predict(pandas.DataFrame({"text": ["a"]}))["embedding"][0]) == 32
    signature = signature_of(open_bundle(make("similarity").bundle))
    assert [(column.name, column.required) for column in signature.inputs] == [("text", True), ("text_pair", False)]
    frame = pandas.DataFrame(
        {"text": ["a", float("nan"), pandas.NA], "extra": [1, 2, 3], "prediction": ["x", "y", "z"]}
    )
    assert list(ServedBundle(make(CLASSIFIER).bundle).predict(frame)["probability"])[1:] == [None, None]


def test_an_answer_longer_than_the_model_has_positions_for_is_refused(
    make: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before the first row; prompts make room for one that fits."""
    bundle = make("generation, LoRA").bundle
    positions = open_bundle(bundle).manifest.interface.max_positions
    assert positions is not None
    assert main(["predict", "--model", str(bundle), "--text", "Mara", "--max-new-tokens", str(positions)]) == 2
    assert f"the model has {positions} positions; use at most {positions - 1}" in capsys.readouterr().err
    long = {"input": "Mara left Oslo " * 900}
    assert Predictor.open(bundle, max_new_tokens=positions - 1 if positions < 300 else 12).rows([long])
