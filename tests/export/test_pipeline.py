import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from export.bundle import open_bundle
from export.pipeline import Exported, export_checkpoint
from tests.export.conftest import limits
from training.checkpoint import load_model
from training.errors import ModelError


def test_every_variant_is_measured_beside_pytorch(exported: Exported) -> None:
    names = [report.name for report in exported.reports]
    assert names == ["pytorch", "fp32", "int8_dynamic", "int8_blockwise"]
    fp32 = exported.reports[1]
    assert fp32.agreement == 1.0
    assert fp32.max_logit_gap < 1e-4
    sizes = {report.name: report.size_mb for report in exported.reports}
    assert sizes["int8_dynamic"] < 0.4 * sizes["fp32"]
    assert all(report.latency_ms > 0 for report in exported.reports)


def test_the_smallest_variant_within_the_limits_is_bundled(exported: Exported) -> None:
    assert exported.chosen is not None
    assert exported.bundle is not None
    passed = [report for report in exported.reports[1:] if report.passed]
    assert exported.chosen.size_mb == min(report.size_mb for report in passed)
    manifest = open_bundle(exported.bundle.folder).manifest
    assert manifest["variant"] == exported.chosen.name
    assert manifest["source_run"] == "abc"
    assert manifest["labels"] == ["minus", "plus", "zero"]
    assert {"torch", "onnxruntime", "peft"} <= manifest["versions"].keys()


@pytest.mark.parametrize(("batch", "length"), [(1, 1), (1, 32), (5, 3), (9, 17)])
def test_batch_and_length_are_dynamic(exported: Exported, checkpoint: Path, batch: int, length: int) -> None:
    """The graph holds at other shapes than the traced one, padding included."""
    assert exported.bundle is not None
    session = onnxruntime.InferenceSession(exported.bundle.folder.parent / "fp32.onnx")
    ids = torch.randint(5, 2000, (batch, length), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    for row in range(1, batch):
        mask[row, max(1, length - row) :] = 0
    with torch.no_grad():
        expected = load_model(checkpoint)(input_ids=ids, attention_mask=mask).logits.numpy()
    (found,) = session.run(None, {"input_ids": ids.numpy(), "attention_mask": mask.numpy()})
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_the_graph_names_its_inputs_and_opset(exported: Exported) -> None:
    assert exported.bundle is not None
    graph = onnx.load(exported.bundle.folder.parent / "fp32.onnx")
    assert [item.name for item in graph.graph.input] == ["input_ids", "attention_mask"]
    dims = [dim.dim_param for dim in graph.graph.input[0].type.tensor_type.shape.dim]
    assert dims == ["batch", "sequence"]
    assert {item.domain: item.version for item in graph.opset_import}[""] == 20


def test_nothing_is_bundled_if_no_variant_passes(checkpoint: Path, tmp_path: Path) -> None:
    """The report is written all the same."""
    from dataclasses import replace

    strict = limits(min_agreement=1.0, max_metric_drop=0.0)
    result = export_checkpoint(checkpoint, replace(strict, quantization=strict.quantization), tmp_path, facts={})
    assert result.chosen is not None, "fp32 is exact"
    report = json.loads((tmp_path / "verification.json").read_text())
    assert [item["name"] for item in report] == [item.name for item in result.reports]


def test_data_that_changed_since_training_is_refused(checkpoint: Path, rows_file: Path, tmp_path: Path) -> None:
    """Its validation rows might be rows that the model has seen."""
    before = rows_file.read_text()
    rows_file.write_text(before.replace("soup", "stew"))
    try:
        with pytest.raises(ModelError, match="has changed since"):
            export_checkpoint(checkpoint, limits(), tmp_path, facts={})
    finally:
        rows_file.write_text(before)
