from dataclasses import asdict

from slimtune.export.config import NoExport, OnnxExport, parse_export
from tests.export.conftest import limits


def test_a_skipped_export_may_have_the_settings_of_one() -> None:
    """`experiment=tone export=none`: the experiment names the registered model."""
    parsed = parse_export({"name": "none", "registered_model": "tone-classifier"})
    assert parsed.problems == []
    assert isinstance(parsed.section, NoExport)
    assert parse_export({"name": "none", "registerd_model": "x"}).problems


def test_an_unknown_export_names_the_known_ones() -> None:
    assert parse_export("onx").problems == ["export is 'onx'; did you mean 'onnx'?"]
    values = {name: getattr(limits(), name) for name in OnnxExport.__dataclass_fields__}
    values["target"] = asdict(values["target"])
    assert parse_export(values | {"opset": 9}).problems == ["export.opset is 9; use an opset from 18 to 23, e.g. 20"]
