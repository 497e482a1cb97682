import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper

from slimtune.export.bundle.bundle import open_bundle
from slimtune.export.config import Calibration, OnnxExport, Variant
from slimtune.export.graphs.encoder_graph import export_graph
from slimtune.export.pipeline import ExportResult, export_checkpoint
from slimtune.export.variants.build import named
from slimtune.export.variants.quantization_settings import QuantizationSettings
from slimtune.export.variants.quantize import BUILDERS, int8_blockwise
from slimtune.export.verification.sensitive_layers import layers_of
from slimtune.training.checkpoints.checkpoint import open_checkpoint
from slimtune.training.errors import ConfigError, ModelError
from slimtune.training.methods import method_of
from tests.export.conftest import export_config


def test_every_variant_is_measured_beside_pytorch(exported: ExportResult) -> None:
    names = [report.name for report in exported.reports]
    assert names == ["pytorch", "fp32", "int8_dynamic", "int8_blockwise"]
    fp32 = exported.reports[1]
    assert fp32.agreement == 1.0
    assert fp32.max_logit_gap < 1e-4
    sizes = {report.name: report.size_mb for report in exported.reports}
    assert sizes["int8_dynamic"] < 0.4 * sizes["fp32"]


def test_the_smallest_variant_within_the_limits_is_bundled(exported: ExportResult) -> None:
    assert exported.chosen is not None
    assert exported.bundle is not None
    passed = [report for report in exported.reports[1:] if report.passed]
    assert exported.chosen.size_mb == min(report.size_mb for report in passed)
    manifest = open_bundle(exported.bundle.folder).manifest
    assert manifest.variant == exported.chosen.name
    assert manifest.provenance.source_run == "abc"
    assert manifest.interface.labels == ["minus", "plus", "zero"]
    assert {"torch", "onnxruntime", "peft"} <= manifest.versions.keys()


@pytest.mark.parametrize(("batch", "length"), [(1, 1), (1, 32), (5, 3), (9, 17)])
def test_batch_and_length_are_dynamic(exported: ExportResult, checkpoint: Path, batch: int, length: int) -> None:
    """The graph holds at other shapes than the traced one, padding included."""
    assert exported.bundle is not None
    session = onnxruntime.InferenceSession(exported.bundle.folder.parent / "fp32" / "model.onnx")
    ids = torch.randint(5, 2000, (batch, length), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    for row in range(1, batch):
        mask[row, max(1, length - row) :] = 0
    with torch.no_grad():
        expected = open_checkpoint(checkpoint).model()(input_ids=ids, attention_mask=mask).logits.numpy()
    (found,) = session.run(None, {"input_ids": ids.numpy(), "attention_mask": mask.numpy()})
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_the_graph_names_its_inputs_and_opset(exported: ExportResult) -> None:
    assert exported.bundle is not None
    graph = onnx.load(exported.bundle.folder.parent / "fp32" / "model.onnx")
    assert [item.name for item in graph.graph.input] == ["input_ids", "attention_mask"]
    dims = [dim.dim_param for dim in graph.graph.input[0].type.tensor_type.shape.dim]
    assert dims == ["batch", "sequence"]
    assert {item.domain: item.version for item in graph.opset_import}[""] == 20


@pytest.mark.usefixtures("untimed", "traced")
def test_nothing_is_bundled_if_no_variant_passes(checkpoint: Path, tmp_path: Path) -> None:
    """The report is written all the same."""
    result = export_checkpoint(checkpoint, config=export_config(variants=[], max_size_mb=0.001), folder=tmp_path)
    assert (result.chosen, result.bundle) == (None, None)
    report = json.loads((tmp_path / "verification.json").read_text())
    assert [item["name"] for item in report] == [item.name for item in result.reports]


@pytest.mark.usefixtures("traced")
def test_every_kind_of_variant_is_built_compared_and_timed(checkpoint: Path, tmp_path: Path) -> None:
    variants = list(Variant)
    reports = export_checkpoint(checkpoint, config=export_config(variants=variants), folder=tmp_path).reports
    assert [report.name for report in reports] == ["pytorch", "fp32", *(variant.value for variant in variants)]
    by_name = {report.name: report for report in reports}
    assert by_name["fp16"].size_mb == pytest.approx(by_name["fp32"].size_mb / 2, rel=0.2)
    assert by_name["int4_blockwise"].size_mb < by_name["int8_blockwise"].size_mb < by_name["fp16"].size_mb
    assert by_name["fp16"].max_logit_gap < 0.1
    for report in reports:
        assert report.agreement > 0.6, report
        assert 0 < report.timing.latency_ms <= report.timing.latency_p95_ms
        assert report.timing.tokens_per_second > 0
    # a process without PyTorch
    assert by_name["fp32"].timing.peak_mb < by_name["pytorch"].timing.peak_mb / 2


@pytest.mark.usefixtures("untimed", "traced")
@pytest.mark.parametrize("calibration", [Calibration.entropy, Calibration.percentile])
def test_calibration_takes_any_number_of_rows(calibration: Calibration, checkpoint: Path, tmp_path: Path) -> None:
    asked = export_config(variants=[Variant.int8_static], calibration=calibration, calibration_rows=20)
    reports = export_checkpoint(checkpoint, config=asked, folder=tmp_path).reports
    assert reports[-1].agreement > 0.6


def test_files_of_the_working_directory_do_not_stand_before_ours(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("export", "tokenizers", "training"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('the wrong one')")
    monkeypatch.chdir(tmp_path)
    assert (
        export_checkpoint(checkpoint, config=export_config(variants=[]), folder=tmp_path / "export").bundle is not None
    )


def zeroed(source: Path, target: Path, recipe: QuantizationSettings) -> None:
    """Quantized, but for the head, which is zeros unless it is kept."""
    int8_blockwise(source, target, recipe)
    (head,) = [layer for layer in layers_of(source.parent) if layer.name == "classifier"]
    nodes = {name.removeprefix(named(source, "")) for name in head.nodes}
    if not nodes & recipe.kept:
        # a Gemm, which is not quantized in blocks
        model = onnx.load(target)
        (node,) = [node for node in model.graph.node if node.name in nodes]
        for item in model.graph.initializer:
            if item.name in node.input:
                item.CopyFrom(numpy_helper.from_array(np.zeros(item.dims, np.float32), item.name))
        onnx.save(model, target)


@pytest.mark.usefixtures("untimed", "traced")
def test_a_refused_variant_keeps_the_layer_that_it_fails_by(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slimtune.export.variants.build.BUILDERS", {**BUILDERS, Variant.int8_blockwise: zeroed})
    asked = export_config(variants=[Variant.int8_blockwise], keep_sensitive=True, min_agreement=0.9)
    exported = export_checkpoint(checkpoint, config=asked, folder=tmp_path)
    report = exported.reports[-1]
    assert (report.passed, list(report.kept)) == (True, ["classifier"])
    assert max(report.costs, key=lambda cost: float(cost["gap"]))["layer"] == "classifier"
    assert exported.bundle is not None
    assert exported.bundle.manifest.variant == "int8_blockwise"
    assert "int8_blockwise keeps classifier in fp32." in (exported.bundle.folder / "README.md").read_text()
    # what is in the bundle is what passed
    bundled = onnxruntime.InferenceSession(exported.bundle.folder / "model.onnx")
    feed = {"input_ids": np.full((1, 4), 9), "attention_mask": np.ones((1, 4), np.int64)}
    assert np.abs(bundled.run(None, feed)[0]).max() > 0
    refused = export_checkpoint(
        checkpoint, config=export_config(**{**vars_of(asked), "keep_sensitive": False}), folder=tmp_path
    )
    assert (refused.reports[-1].passed, list(refused.reports[-1].costs)) == (False, [])


def vars_of(asked: OnnxExport) -> dict[str, Any]:
    return {name: getattr(asked, name) for name in ("variants", "min_agreement")}


def swap_labels(model: Any) -> None:
    model.classifier.weight.data = model.classifier.weight.data[[1, 0, 2]]
    model.classifier.bias.data = model.classifier.bias.data[[1, 0, 2]]


def break_a_layer(model: Any) -> None:
    model.bert.encoder.layer[0].output.dense.weight.data.zero_()
    model.bert.encoder.layer[0].attention.output.dense.weight.data.normal_()


@pytest.mark.usefixtures("untimed")
@pytest.mark.parametrize("corrupt", [swap_labels, break_a_layer])
def test_a_graph_that_is_not_the_model_is_refused(
    corrupt: Callable[[Any], None], checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def corrupted(model: Any, path: Path, **options: Any) -> None:
        corrupt(model)
        export_graph(model, path, **options)

    monkeypatch.setattr("slimtune.export.pipeline.export_graph", corrupted)
    exported = export_checkpoint(checkpoint, config=export_config(variants=[]), folder=tmp_path)
    assert not exported.reports[1].passed
    assert (exported.chosen, exported.bundle) == (None, None)


@pytest.mark.usefixtures("untimed")
def test_an_adapter_at_another_scale_is_refused(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Scaled:
        def __init__(self, config: Any) -> None:
            self._method = method_of(config)

        def merge(self, model: Any) -> Any:
            for name, parameter in model.named_parameters():
                if "lora_B" in name:
                    parameter.data *= 3
            return self._method.merge(model)

    monkeypatch.setattr("slimtune.export.pipeline.method_of", Scaled)
    exported = export_checkpoint(checkpoint, config=export_config(variants=[]), folder=tmp_path)
    assert exported.reports[1].max_logit_gap > 0.5
    assert exported.bundle is None


def test_data_that_changed_since_training_is_refused(checkpoint: Path, rows_file: Path, tmp_path: Path) -> None:
    """Its validation rows might be rows that the model has seen."""
    before = rows_file.read_text()
    rows_file.write_text(before.replace("soup", "stew"))
    try:
        with pytest.raises(ModelError, match="has changed since"):
            export_checkpoint(checkpoint, config=export_config(), folder=tmp_path)
    finally:
        rows_file.write_text(before)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"checkpoint": None}, "checkpoint is None; give the path of a folder"),
        ({"folder": 3}, "folder is 3; give the path of a folder"),
        ({"config": {"variants": []}}, r"config is \{'variants': \[\]\}; use onnx_config\(variants="),
    ],
)
def test_arguments_of_another_kind_are_told(
    checkpoint: Path, tmp_path: Path, arguments: dict[str, Any], told: str
) -> None:
    given: dict[str, Any] = {"checkpoint": checkpoint, "folder": tmp_path / "exported", **arguments}
    with pytest.raises(ConfigError, match=told):
        export_checkpoint(given.pop("checkpoint"), **given)
    assert not (tmp_path / "exported").exists()
