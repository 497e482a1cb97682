from dataclasses import asdict

import pytest

from slimtune.export.config import NoExport, OnnxExport, Variant, kind_of_task, onnx_config, parse_export
from slimtune.export.graph_names import Kind
from slimtune.training.config.task import CustomTask, Direction
from slimtune.training.errors import ConfigError
from tests.export.conftest import export_config


def test_a_skipped_export_may_have_the_settings_of_one() -> None:
    """`experiment=tone export=none`: the experiment names the registered model."""
    parsed = parse_export({"name": "none", "registered_model": "tone-classifier"})
    assert parsed.problems == []
    assert isinstance(parsed.section, NoExport)
    assert parse_export({"name": "none", "registerd_model": "x"}).problems


def test_an_unknown_export_names_the_known_ones() -> None:
    assert parse_export("onx").problems == ["export is 'onx'; did you mean 'onnx'? known: none, onnx"]
    values = {name: getattr(export_config(), name) for name in OnnxExport.__dataclass_fields__}
    values["target"] = asdict(values["target"])
    assert parse_export(values | {"opset": 9}).problems == ["export.opset is 9; use an opset from 18 to 23, e.g. 20"]


def test_the_usual_config_is_that_of_the_files() -> None:
    """Named keys are changed, and a wrong one is told as in a file."""
    config = onnx_config(variants=["fp16"], min_agreement=0.5)
    assert (config.variants, config.limits.min_agreement, config.opset) == ([Variant.fp16], 0.5, 20)
    assert config.target.provider == "CPUExecutionProvider"
    with pytest.raises(ConfigError, match=r"export\.opset is 9"):
        onnx_config(opset=9)


@pytest.mark.parametrize(
    ("export_kind", "message"),
    [
        (None, "export is onnx, which has no graph for task=a.B .*; use export=none"),
        ("smells", "task.name is 'a.B', whose export_kind is 'smells'; known: labels, tags, .*numbers"),
    ],
)
def test_a_task_without_a_graph_is_told(export_kind: str | None, message: str) -> None:
    """By what its class says, which is asked when the data is looked at, before the first trial."""
    task = CustomTask(name="a.B", metric="loss", direction=Direction.minimize, metrics=[], loss=None, options={})
    with pytest.raises(ConfigError, match=message):
        kind_of_task(task, export_kind)


def test_a_task_names_the_kind_of_its_graph() -> None:
    task = CustomTask(name="a.B", metric="loss", direction=Direction.minimize, metrics=[], loss=None, options={})
    assert kind_of_task(task, "numbers") is Kind.numbers
