"""Names of the user's own are taken by the tracker and the registry, or refused when the config is composed."""

from pathlib import Path

import pytest

from slimtune.export.config import onnx_config
from slimtune.training.config.tracking import mlflow_at
from slimtune.training.errors import ConfigError
from slimtune.training.tracking.mlflow_runs import Tracker, client_of
from slimtune.training.tracking.names import MAX_NAME, mlflow_name
from slimtune.training.tracking.run import MetricPoint
from tests.conftest import make_lineage

ODD = ["hit@1", "f1(macro)", "c++", "100%", "größe", "a//b", "../up", ".", "tab\there", "x" * 400, "'quoted'", "🙂"]


@pytest.mark.parametrize("name", ["validation/hit 1", "best/f1_macro", "fit/seconds", "a.b:c-d"])
def test_l6_a_name_that_mlflow_takes_stays(name: str) -> None:
    assert mlflow_name(name) == name


def test_l6_names_that_differ_in_signs_stay_apart() -> None:
    made = [mlflow_name(name) for name in ("hit@1", "hit%1", "hit#1", "hit!1", "hit_1")]
    assert len(set(made)) == len(made)
    assert made[0] == "hit_at_1"
    assert max(len(mlflow_name(name)) for name in ODD) <= MAX_NAME


def test_l6_metrics_params_and_tags_of_any_name_are_kept(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'm.db'}"
    config = mlflow_at(uri)
    tracker = Tracker(config, 'it\'s 100 % "odd"')
    run = tracker.start(make_lineage(tmp_path))
    assert run.run_id is not None
    run.log_metrics(dict.fromkeys(ODD, 0.5))
    run.log_params(dict.fromkeys(ODD, 1))
    run.set_tags(dict.fromkeys(ODD, "x"))
    run.log_points([MetricPoint("rung@1", 0.25, 8, 0)])
    # an attempt that resumes does not write the same point again
    again = tracker.reopen(run.run_id)
    again.log_points([MetricPoint("rung@1", 0.75, 8, 0), MetricPoint("rung@1", 0.5, 16, 0)])
    client = client_of(uri)
    data = client.get_run(run.run_id).data
    for kept in (data.metrics, data.params, data.tags):
        assert {mlflow_name(name) for name in ODD} <= set(kept)
    history = client.get_metric_history(run.run_id, "rung_at_1")
    assert [(point.step, point.value) for point in history] == [(8, 0.25), (16, 0.5)]
    for name in ("it's", 'the "best"', "naïve 🙂"):
        client.create_registered_model(name)
        assert client.get_registered_model(name).name == name


@pytest.mark.parametrize("name", ["it's", 'the "best"', "tone classifier", "größe", "a.b-c_d"])
def test_l7_a_registered_model_may_be_called_so(name: str) -> None:
    assert onnx_config(registered_model=name).registered_model == name


@pytest.mark.parametrize(
    "name", ["", " ", "a/b", "a:b", "a@b", "what?", "no#1", "50%", "both ' and \"", "x" * 300, "a\nb"]
)
def test_l7_a_name_that_the_registry_does_not_take_is_refused_at_once(name: str) -> None:
    with pytest.raises(ConfigError, match="registered_model"):
        onnx_config(registered_model=name)
