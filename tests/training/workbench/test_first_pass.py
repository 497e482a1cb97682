"""Code of the user's own is called before the first trial, and told about where it fails."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy

from slimtune.training.config.task import CustomTask
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.examples import Example
from slimtune.training.data_report.build import data_report_of
from slimtune.training.errors import ConfigError
from slimtune.training.tasks.classification import Classification
from slimtune.training.tasks.rows import read_examples
from slimtune.training.workbench.first_pass import check_first_pass, has_own_code
from slimtune.training.workbench.prepared_data import PreparedData, prepare_data
from tests.training.tasks.conftest import CASES, Case
from tests.training.tasks.conftest import bases as bases
from tests.training.tasks.conftest import case as case
from tests.training.tasks.conftest import config_for as config_for
from tests.training.tasks.conftest import values_of as values_of

ConfigFor = Callable[..., TrialConfig]
HERE = "tests.training.workbench.test_first_pass"
OWN = f"task.loss={{_target_:{HERE}.%s}}"
BY_NAME = {case.name: case for case in CASES}


def plain(*tensors: torch.Tensor) -> torch.Tensor:
    """Of any shapes."""
    return sum((one.float().mean() for one in tensors if one.requires_grad), torch.zeros(()))


def in_rows(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return cross_entropy(logits, labels, reduction="none")


def without_gradient(*tensors: torch.Tensor) -> torch.Tensor:
    return tensors[0].detach().mean()


def a_number(*tensors: torch.Tensor) -> float:
    return 0.5


def failing(*values: Any) -> Any:
    raise KeyError("tone")


def of_one_name(predictions: Sequence[Any], references: Sequence[Any]) -> float:
    return sum(reference == "x" for reference in references)


def no_number(predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, float]:
    return {"cost": float("nan")}


def infinite(predictions: Sequence[Any], references: Sequence[Any]) -> float:
    return float("inf")


def none_of_one_answer(predictions: Sequence[Any], references: Sequence[Any]) -> float:
    return float("nan") if len(set(predictions)) == 1 else 0.5


def prepared(case: Case, config_for: ConfigFor, *more: str) -> PreparedData:
    # what the loss of the task takes stays in the mapping
    gone = ["~task.loss.margin"] if case.name == "similarity" else []
    return prepare_data(config_for(case, *gone, *more))


def test_a_loss_that_fits_passes_for_every_task(case: Case, config_for: ConfigFor) -> None:
    data = prepared(case, config_for, OWN % "plain")
    assert has_own_code(data)
    before = torch.random.get_rng_state()
    check_first_pass(data)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_loss_that_fails_is_one_message_for_every_task(case: Case, config_for: ConfigFor) -> None:
    if "own" in case.name:
        pytest.skip("it takes the loss of its own")
    told = rf"task.loss._target_ is '{HERE}.failing', which is called with \(.*\) and fails at .*\(KeyError: 'tone'\)"
    with pytest.raises(ConfigError, match=told):
        check_first_pass(prepared(case, config_for, OWN % "failing"))


@pytest.mark.parametrize(
    ("name", "loss", "told"),
    [
        ("classification", "{_target_:torch.nn.BCEWithLogitsLoss}", "fails .*Target size"),
        ("classification", "{_target_:torch.nn.CrossEntropyLoss,label_smoothing:7}", "fails .*label_smoothing"),
        ("classification", f"{{_target_:{HERE}.in_rows}}", r"a tensor of shape \(4,\); let it give the mean"),
        ("classification", f"{{_target_:{HERE}.a_number}}", r"gives 0.5; let it give the mean"),
        ("classification", f"{{_target_:{HERE}.without_gradient}}", "without a gradient"),
        ("multi_label", "{_target_:torch.nn.NLLLoss}", "fails"),
        ("generation", "{_target_:torch.nn.CrossEntropyLoss}", "fails"),
        ("similarity", "{_target_:torch.nn.CrossEntropyLoss}", "fails"),
    ],
)
def test_a_loss_that_does_not_fit_the_rows(name: str, loss: str, told: str, config_for: ConfigFor) -> None:
    with pytest.raises(ConfigError, match=told):
        check_first_pass(prepared(BY_NAME[name], config_for, f"task.loss={loss}"))


def test_a_loss_whose_model_looks_at_numbers(config_for: ConfigFor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then a model with new weights is asked."""

    def looks(self: Any, model: Any, batch: Any) -> torch.Tensor:
        assert int(batch.inputs["attention_mask"].sum()) > 0
        return before(self, model, batch)

    before = Classification.logits
    monkeypatch.setattr(Classification, "logits", looks)
    check_first_pass(prepared(BY_NAME["classification"], config_for, OWN % "plain"))
    with pytest.raises(ConfigError, match="KeyError"):
        check_first_pass(prepared(BY_NAME["classification"], config_for, OWN % "failing"))


def test_a_metric_that_fails_is_one_message(config_for: ConfigFor) -> None:
    data = prepared(BY_NAME["classification"], config_for, f"task.metrics=[accuracy,{HERE}.failing]")
    with pytest.raises(ConfigError, match=rf"task.metrics has '{HERE}.failing', which fails at .*KeyError: 'tone'"):
        data_report_of(data)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("classification", "the number of a class"),
        ("multi_label", "all classes of a row"),
        ("extraction", "all spans of a row"),
        ("similarity", "the number of a pair"),
    ],
)
def test_a_metric_that_takes_what_it_is_given_for_a_name_is_told(name: str, what: str, config_for: ConfigFor) -> None:
    """It would find all rows different, and give a wrong score in silence."""
    data = prepare_data(config_for(BY_NAME[name], f"task.metrics=[{HERE}.of_one_name]", "task.metric=loss"))
    told = rf"of_one_name', which fails at .*test_first_pass\.py:\d+ \(TypeError: compares {what} with the text 'x'"
    with pytest.raises(ConfigError, match=told):
        data_report_of(data)


@pytest.mark.parametrize(("name", "score", "gave"), [("no_number", "cost", "NaN"), ("infinite", "infinite", "inf")])
def test_a_metric_that_gives_no_number_is_told_before_the_first_trial(
    name: str, score: str, gave: str, config_for: ConfigFor
) -> None:
    """Every trial would fail by it."""
    case = BY_NAME["classification"]
    metric = [f"task.metrics=[{HERE}.{name}]", f"task.metric={score}", "task.direction=maximize"]
    told = rf"'{HERE}.{name}', which gives no number for the answers of bag of words \({score}={gave}\)"
    with pytest.raises(ConfigError, match=told):
        data_report_of(prepare_data(config_for(case, *metric)))


def test_scores_of_other_names_than_the_functions_own_are_told_before_the_first_trial(config_for: ConfigFor) -> None:
    metric = [f"task.metrics=[accuracy,{HERE}.no_number]", "task.metric=no_number", "task.direction=minimize"]
    with pytest.raises(ConfigError, match=r"task\.metric is 'no_number'; the scores are accuracy, cost, loss"):
        data_report_of(prepare_data(config_for(BY_NAME["classification"], *metric)))


def test_a_metric_may_give_no_number_where_all_answers_are_one(config_for: ConfigFor) -> None:
    """As a correlation does of the largest class for every row."""
    metric = [f"task.metrics=[{HERE}.none_of_one_answer]", "task.metric=none_of_one_answer", "task.direction=maximize"]
    report = data_report_of(prepare_data(config_for(BY_NAME["classification"], *metric)))
    assert report.baselines["bag_of_words"]["none_of_one_answer"] == 0.5
    assert "none_of_one_answer" not in report.baselines["majority"]


class Own(Classification):
    """A task of the user's own, each of whose methods may fail."""

    fails = ""

    @classmethod
    def make(cls, config: TrialConfig, train: Sequence[Any], labels: Any) -> "Own":
        return cls(labels=tuple(sorted({one.label for one in train})), max_length=32)


@pytest.mark.parametrize(
    "method", ["parse", "make", "encode", "split", "logits", "loss", "tally", "baselines", "notes"]
)
def test_each_method_of_an_own_task_is_told_about(
    method: str, config_for: ConfigFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    static = method in ("parse", "make")
    monkeypatch.setattr(Own, method, staticmethod(failing) if static else lambda self, *values, **more: failing())

    def prepare() -> None:
        data = prepare_data(_own(config_for))
        check_first_pass(data)
        data_report_of(data)

    with pytest.raises(ConfigError, match=rf"'{HERE}.Own', whose {method} fails at .*\(KeyError: 'tone'\)"):
        prepare()


def test_an_own_task_that_works_passes(config_for: ConfigFor) -> None:
    data = prepare_data(_own(config_for))
    assert has_own_code(data)
    assert isinstance(data.task, Classification)
    check_first_pass(data)


def test_an_own_task_whose_rows_are_no_examples(config_for: ConfigFor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Own, "parse", staticmethod(lambda row, where, config: {"text": "a"}))
    with pytest.raises(ConfigError, match=r"whose parse gives \{'text': 'a'\}; let it give an Example"):
        prepare_data(_own(config_for))


def test_an_own_task_that_changes_rows_as_it_reads_them(config_for: ConfigFor, monkeypatch: pytest.MonkeyPatch) -> None:
    """They stay as they were read: a row that is changed for a step is parsed again."""

    def parse(row: dict[str, Any], where: str, config: TrialConfig) -> Example:
        return Example(row["words"].pop(0))

    monkeypatch.setattr(Own, "parse", staticmethod(parse))
    found = read_examples([{"words": ["a", "b"]}], _own(config_for))
    assert [one.text for one in found.scored] == ["a"]
    assert found.rows == [{"words": ["a", "b"]}]


def _own(config_for: ConfigFor) -> TrialConfig:
    config = config_for(BY_NAME["classification"])
    values: Mapping[str, Any] = {
        name: getattr(config.task, name) for name in ("metric", "direction", "metrics", "loss")
    }
    return config._replace(task=CustomTask(name=f"{HERE}.Own", options={}, **values))
