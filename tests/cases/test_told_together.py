"""What is wrong in several places is told in one run: config, overrides, space, files, rows, and the model."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from slimtune.sweeper import first_look
from slimtune.sweeper.cli import main
from slimtune.sweeper.hydra_app.python_functions import train
from slimtune.training.errors import DataError, UserError
from tests.cases.small_models import LLAMA, changed, chats, save_model
from tests.cases.sweep_requests import RequestOf, refused, request_of
from tests.conftest import make_rows, write_jsonl

__all__ = ["request_of"]
Told = Callable[..., list[str]]


@pytest.fixture
def told(overrides: list[str], capsys: pytest.CaptureFixture[str]) -> Told:
    """The problems that a command tells, one a line."""

    def run(command: str, *more: str) -> list[str]:
        assert main([command, *overrides, *more]) == 2
        first, *others = capsys.readouterr().err.removeprefix("slimtune: ").splitlines()
        listed = [line.removeprefix("  - ") for line in others if line.startswith("  - ")]
        return listed if first.endswith(":") else [first, *listed]

    return run


def having(problems: list[str], *parts: str) -> bool:
    """Whether there is one problem for each of these parts, and no other."""
    return len(problems) == len(parts) and all(any(part in problem for problem in problems) for part in parts)


@pytest.mark.parametrize("command", ["check", "sweep", "train"])
def test_a_wrong_value_a_missing_column_and_a_missing_model(told: Told, command: str) -> None:
    wrong = ("task.metric=acuracy", "data.label_column=tone", "model.name_or_path=/nosuch")
    assert having(told(command, *wrong), "task.metric is 'acuracy'", "no column 'tone'", "'/nosuch', which is not")


@pytest.mark.parametrize("command", ["check", "sweep", "train"])
def test_a_direction_that_nobody_says_is_told_once(told: Told, command: str) -> None:
    own = ("task.metrics=[accuracy,my.module.cost]", "task.metric=cost", "data.label_column=tone")
    said = "task.metric is cost, a metric of your own; say task.direction=minimize or maximize"
    assert having(told(command, *own), said, "no column 'tone'")


@pytest.mark.parametrize("command", ["check", "train"])
def test_an_unknown_key_hides_nothing(told: Told, command: str) -> None:
    wrong = ("fit.epocs=3", "fit.batch_size=0", "data.label_column=tone")
    assert having(told(command, *wrong), "fit.epocs is not a key", "fit.batch_size is 0", "no column 'tone'")


def test_what_an_unknown_option_or_key_leaves_open_is_not_looked_at(told: Told) -> None:
    """Rows would be read as another task's, or by another column."""
    assert having(told("check", "task=clasification", "data.label_column=tone"), "task=clasification is not an option")
    assert having(told("check", "data.label_colum=tone", "data.label_column=x"), "data.label_colum is not a key")
    assert having(told("check", "experiment=tonne", "data.label_column=x"), "experiment=tonne is not an option")
    (problem,) = told("check", "experiment=tonne")
    assert problem.startswith("experiment=tonne is not an option"), "what the right one sets is not missing"


def test_an_override_that_cannot_be_parsed_hides_no_other(told: Told) -> None:
    found = told("check", "data.text_template={a", "fit.epocs=3", "fit.batch_size=0")
    assert having(found, "data.text_template={a: ", "fit.epocs is not a key", "fit.batch_size is 0")


def test_files_and_the_model_are_looked_for_together(told: Told, tmp_path: Path) -> None:
    other = write_jsonl(tmp_path / "other.jsonl", [{"sentence": "x", "label": "a"}])
    asked = ("data.train_file=no.jsonl", "data.validation_file=gone.jsonl", f"data.test_file={other}")
    found = told("train", *asked, "model.name_or_path=/nosuch")
    assert having(found, "no.jsonl: no such", "gone.jsonl: no such", "no column 'text'", "'/nosuch', which is not")


def test_rows_of_all_files_and_what_is_inside_of_the_model(told: Told, tiny_model: Path, tmp_path: Path) -> None:
    rows = make_rows(60)
    test = write_jsonl(tmp_path / "test.jsonl", [{"text": "x", "label": ""}, {"text": "y", "label": ["a", "b"]}])
    train = write_jsonl(tmp_path / "train.jsonl", [*rows, {"text": "x"}, {"text": "y", "label": None}])
    model = tmp_path / "model"
    shutil.copytree(tiny_model, model)
    changed(model, "config.json", {"pad_token_id": 999_999})
    found = told("check", f"data.train_file={train}", f"data.test_file={test}", f"model.name_or_path={model}")
    rows_told = ("row 61: no column 'label'", "row 62: column 'label' is empty")
    assert having(found, *rows_told, "row 1: column 'label' is empty", "row 2: column 'label' holds", "pad_token_id")


@pytest.mark.parametrize(("num_empty", "is_told"), [(2, True), (12, False)])
def test_a_class_of_one_row_is_told_beside_few_rows_with_faults(
    told: Told, tmp_path: Path, num_empty: int, is_told: bool
) -> None:
    """Of many that are left out, some may be of that class."""
    rows = [*make_rows(60), {"text": "one alone", "label": "Plus"}]
    rows += [{"text": f"no label {row}", "label": ""} for row in range(num_empty)]
    found = told("check", f"data.train_file={write_jsonl(tmp_path / 'rows.jsonl', rows)}")
    others = f"of the other rows: {tmp_path}/rows.jsonl: class 'Plus' (looks like 'plus') has 1 row"
    assert having(found, "row 62: column 'label' is empty", *([others] if is_told else []))


def test_a_file_that_cannot_be_read_to_its_end_has_no_other_rows(told: Told, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "one", "label": "a"}\n{"text": "two", "label": \n')
    assert having(told("check", f"data.train_file={path}"), "line 2")


def test_chats_with_faults_and_a_base_without_template(told: Told, tmp_path: Path) -> None:
    rows = chats(30, length=5)
    rows[3]["messages"].pop()
    rows[4]["messages"] = "none"
    for row in (7, 9):
        rows[row]["messages"][1]["content"] = None
    path = write_jsonl(tmp_path / "chats.jsonl", rows)
    model = save_model(tmp_path / "plain", "llama", **LLAMA)
    found = told("check", "task=generation", f"data.train_file={path}", f"model.name_or_path={model}")
    said = ("row 4: the last of", "row 5: ", "row 8: message 2", "cannot be written by the tok")
    assert having(found, *said)
    assert any("the 'content' null" in one and one.endswith("(1 more row: row 10)") for one in found)


def test_spans_with_faults(told: Told, tmp_path: Path) -> None:
    rows = [{"text": f"apple river {row}", "spans": [{"start": 0, "end": 5, "label": "X"}]} for row in range(40)]
    rows[5]["spans"] = [{"start": 0, "end": 900, "label": "X"}]
    rows[6]["spans"] = [{"start": 4, "end": 400, "label": "Y"}]
    rows[7]["spans"] = "none"
    path = write_jsonl(tmp_path / "spans.jsonl", rows)
    found = told("check", "task=extraction", f"data.train_file={path}", "data.label_column=spans")
    assert len(found) == 2
    assert "row 6: " in found[0]
    assert "(1 more row: row 7)" in found[0]
    assert "row 8: " in found[1]


def test_dimensions_are_told_beside_rows_and_beside_each_other(told: Told) -> None:
    searched = ("method.r=range(8,4)", "fit.epocs=1,2", "fit.warmup_share=0.1,3", "space.fit.learning_rate.low=5")
    found = told("sweep", *searched, "data.label_column=tone")
    parts = ("method.r=range(8,4) has no value: it counts up from 8", "fit.epocs is not a key of the config")
    low = "space.fit.learning_rate.low is 5, above high"
    assert having(found, *parts, "fit.warmup_share=0.1,3: fit.warmup_share is 3", low, "no column 'tone'")


@pytest.mark.parametrize(
    ("sweep", "said"),
    [
        ("method.r=range(8,4)", "counts up from 8, and its stop 4 is below that; use range(4,8), or range(8,4,-1)"),
        ("method.r=range(4,8,-2)", "counts down from 4, and its stop 8 is above that; use range(8,4,-2), or"),
        ("method.r=range(0.9,0.1,0.2)", "counts up from 0.9, and its stop 0.1 is below that"),
        ("method.r=range(3,3)", "the stop of a range is excluded; for 3 alone give that value"),
        (
            "method.r=interval(9,1)",
            "method.r=interval(9,1): the range's low is 9, above high (1); swap them",
        ),
        (
            "fit.learning_rate=range(1e-5,1e-3)",
            "has one value, 1e-05: its step is 1, which is past its stop; use interval",
        ),
        ("method.r=range(8,64,100)", "has one value, 8: its step is 100, which is past its stop; use interval(8,64)"),
        ("method.q=1,2", "method.q is not a key of the config"),
        ("method.r=0,4", "method.r=0,4: method.r is 0; use a number above 0"),
    ],
)
def test_a_dimension_is_called_as_it_was_written(request_of: RequestOf, sweep: str, said: str) -> None:
    found = refused(request_of, sweep)
    assert said in found
    assert "space.method" not in found


def test_options_and_overrides_that_fit_none_are_told_together(request_of: RequestOf) -> None:
    found = refused(request_of, "method=full,iaa3", "fit=fast,speed", "fit.epochs=0")
    assert "method=iaa3 is not an option; did you mean 'ia3'?" in found
    assert "fit=fast is not an option" in found
    assert "fit.epochs is 0" in found
    # an option that there is stands beside one that there is not
    assert "method.r is set, but no option of method=full has it" in refused(
        request_of, "method=full,iaa3", "method.r=8"
    )


def test_every_fault_of_a_space_file_is_told(request_of: RequestOf, tmp_path: Path) -> None:
    path = tmp_path / "space.json"
    dimensions = {
        "learning_rate": {"type": "float", "low": "a", "high": "b"},
        "lora_r": {"type": "int", "low": 80, "high": 8, "stp": 3},
        "lora_rank": {"type": "int", "low": 1, "high": 8},
        "batch_size": {"type": "choice", "values": [0, 8]},
        "fit.batch_size": {"type": "choice", "values": [4]},
    }
    path.write_text(json.dumps({"search_strategy": {"type": "rondom", "foo": 1}, "search_space": dimensions}))
    found = refused(request_of, "space=file", f"space.path={path}", "fit.epochs=0").splitlines()
    parts = (
        "search_space.learning_rate.low is 'a'",
        "search_space.learning_rate.high is 'b'",
        "search_space.lora_r.stp is not a key",
        "search_space.lora_r.low is 80, above high (8)",
        "search_space.lora_rank (method.rank) is not a key of the config",
        "search_space.batch_size: fit.batch_size is 0",
        "are both fit.batch_size",
        "search_strategy.foo is not a key",
        "search_strategy.type is 'rondom'",
        "fit.epochs is 0",
    )
    assert all(any(part in line for line in found) for part in parts)


@pytest.mark.parametrize("given", ["{low:0.1,high:1}", "{type:flot,low:1,high:2}", "3"])
def test_an_unknown_key_is_told_beside_what_is_wrong_with_its_dimension(
    request_of: RequestOf, tmp_path: Path, given: str
) -> None:
    found = refused(request_of, f"+space.fit.lerning_rate={given}")
    unknown = "lerning_rate is not a key of the config; did you mean 'fit.learning_rate'?"
    assert f"space.fit.{unknown}" in found
    assert found.count("lerning_rate") == 2
    path = tmp_path / "space.yaml"
    path.write_text(f"search_space:\n  lerning_rate: {given.replace(':', ': ')}\n  batch_size: {{low: 1, high: 3}}\n")
    found = refused(request_of, "space=file", f"space.path={path}")
    assert f"{path}: search_space.{unknown}" in found
    assert "batch_size is not a key" not in found


def test_a_key_that_stands_twice_in_a_space(request_of: RequestOf) -> None:
    twice = "+space={fit.learning_rate:{type:float,low:1e-5,high:1e-4},fit:{learning_rate:{type:float,low:1,high:2}}}"
    assert "is there twice" in refused(request_of, "space=none", twice)


def test_a_data_set_out_of_reach_is_told_with_the_rest(told: Told) -> None:
    found = told("check", "data.train_file=hub:org/nosuch@train", "model.name_or_path=org/nosuch")
    assert having(found, "hub:org/nosuch@train: cannot be loaded (HF_HUB_OFFLINE is set)", "was not downloaded before")


def test_what_is_known_of_the_config_is_told_before_rows_and_model_are_looked_at(
    overrides: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look at them imports PyTorch, which takes seconds; an exception in Python has all of it."""
    told_before: list[str] = []

    def look(_: object) -> None:
        told_before.append(capsys.readouterr().err)
        raise DataError("row 3 is empty")

    monkeypatch.setattr(first_look, "_check_rows", look)
    monkeypatch.setattr(first_look, "_check_base", lambda *_: None)
    assert main(["check", *overrides, "fit.epochs=0"]) == 2
    assert "fit.epochs is 0" in told_before[0]
    assert capsys.readouterr().err == "and 1 more:\n  - row 3 is empty\n"
    with pytest.raises(UserError, match=r"(?s)2 problems.*fit.epochs is 0.*row 3 is empty"):
        train(*overrides, "fit.epochs=0")
