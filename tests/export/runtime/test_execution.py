"""Targets: what is built for a device, and what is said of one that is not here."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest
from rich.console import Console

import slimtune.conf
from slimtune.export.bundle.bundle import open_bundle, write_bundle
from slimtune.export.config import OnnxExport, TargetConfig, parse_export
from slimtune.export.pipeline import ExportResult, export_checkpoint
from slimtune.export.runtime.execution import CPU_PROVIDER, Execution, execution_for, open_graph, placed
from slimtune.export.runtime.static_shape import StaticShape
from slimtune.sweeper.checks import problems_of
from slimtune.sweeper.cli import main
from slimtune.sweeper.reporting import terminal
from slimtune.training.errors import ConfigError, ModelError
from tests.composed import plain_config
from tests.conftest import make_rows, write_jsonl
from tests.export.conftest import export_config, no_timing

TARGETS = sorted(path.stem for path in (Path(str(slimtune.conf.__file__)).parent / "export/target").glob("*.yaml"))


def composed(*overrides: str) -> dict[str, Any]:
    return plain_config(["data.train_file=rows.jsonl", *overrides])


def asked(target: str, **more: Any) -> OnnxExport:
    """The limits of the tests, with what a target's file sets."""
    # the tiny model has 64 positions
    sizes = ["export.target.static_length=64"] if target == "qnn" else []
    section: OnnxExport = parse_export(composed(f"export/target={target}", *sizes)["export"]).section
    return export_config(
        target=section.target, variants=section.variants, min_agreement=0.0, max_metric_drop=1.0, **more
    )


class Built(NamedTuple):
    exported: ExportResult
    folder: Path

    @property
    def manifest(self) -> Any:
        assert self.exported.bundle is not None
        return open_bundle(self.exported.bundle.folder).manifest


def built(target: str, checkpoint: Path, folder: Path) -> Built:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("slimtune.export.verification.measured_variants.measure", no_timing)
        return Built(export_checkpoint(checkpoint, config=asked(target), folder=folder), folder)


@pytest.fixture(scope="module")
def qnn(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return built("qnn", checkpoint, tmp_path_factory.mktemp("qnn"))


@pytest.fixture(scope="module")
def cuda(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return built("cuda", checkpoint, tmp_path_factory.mktemp("cuda"))


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_composes_and_is_valid(target: str) -> None:
    values = composed(f"export/target={target}")
    assert problems_of(values) == []
    section = parse_export(values["export"]).section
    assert section.target.name == target
    assert section.variants


def test_a_target_sets_variants_and_the_command_line_has_the_last_word() -> None:
    assert composed("export/target=qnn")["export"]["variants"] == ["int8_static"]
    assert composed("export/target=qnn", "export.variants=[fp16]")["export"]["variants"] == ["fp16"]
    assert composed()["export"]["target"]["name"] == "cpu"
    assert composed("export=none")["export"] == {"name": "none"}


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("+export.target.static_lenght=64", "export.target.static_lenght is not a key; did you mean 'static_length'?"),
        ("export.target.static_batch=0", "export.target.static_batch is 0; use a number above 0, e.g. 1"),
        ("export.target.static_length=64", "but data.max_length is 128; use export.target.static_length=128"),
        ("export.target.provider=CUDA", "export.target.provider is 'CUDA'; use one of CPUExecutionProvider, CUDA"),
        ("~export.target.provider", "export.target.provider is missing"),
    ],
)
def test_a_wrong_target_is_told(override: str, problem: str) -> None:
    problems = problems_of(composed("export/target=qnn", override))
    assert len(problems) == 1
    assert problem in problems[0]


def test_models_that_write_are_refused_before_the_first_trial() -> None:
    """What they write grows, so that their graphs have no one shape."""
    values = composed("export/target=qnn", "experiment=summaries", "export=onnx", "export.variants=[int8_dynamic]")
    (problem,) = problems_of(values)
    assert problem.startswith("export.target has static_batch 1 and static_length 128, which are for encoders")
    assert problems_of(composed("export/target=cuda", "experiment=summaries", "export=onnx")) == []


def test_a_length_that_the_model_has_no_positions_for_is_told(checkpoint: Path, tmp_path: Path) -> None:
    wide = replace(asked("qnn").target, static_length=128)
    with pytest.raises(ConfigError, match="more than the model's 64 positions"):
        export_checkpoint(checkpoint, config=export_config(target=wide), folder=tmp_path)


def test_an_npu_gets_one_shape_and_quantized_activations(qnn: Built) -> None:
    assert qnn.manifest.variant == "int8_static"
    for name, is_quantized in (("fp32", False), ("int8_static", True)):
        path = qnn.folder / name / "model.onnx"
        onnx.checker.check_model(str(path))
        model = onnx.load(path)
        for item in (*model.graph.input, *model.graph.output):
            assert all(size.dim_value > 0 for size in item.type.tensor_type.shape.dim), item
        assert ("QuantizeLinear" in {node.op_type for node in model.graph.node}) == is_quantized
    assert qnn.manifest.graphs["model.onnx"]["inputs"]["input_ids"] == [1, 64]


def test_an_npu_that_is_not_here_is_said_everywhere(qnn: Built) -> None:
    note = "built for QNNExecutionProvider, run on CPU: QNNExecutionProvider is not on this machine"
    target = qnn.manifest.target
    assert (target.name, target.provider, target.ran_on) == ("qnn", "QNNExecutionProvider", CPU_PROVIDER)
    assert (target.static_batch, target.static_length, target.note) == (1, 64, note)
    report = json.loads((qnn.folder / "verification.json").read_text())
    assert [item["ran_on"] for item in report] == [None, CPU_PROVIDER, CPU_PROVIDER]
    assert f"Target qnn: {note}." in (qnn.folder / "bundle/README.md").read_text()
    console = Console(record=True, width=200)
    terminal.print_variants(console, qnn.exported.as_dict())
    assert f"target qnn: {note}" in console.export_text()


def test_static_graphs_are_pytorch_in_fp32(qnn: Built) -> None:
    """The padding that fills up a row, and the rows that are run one by one, change nothing."""
    fp32 = qnn.exported.reports[1]
    assert fp32.agreement == 1.0
    assert fp32.max_logit_gap < 1e-4


def test_a_static_bundle_predicts_what_the_dynamic_graph_does(
    qnn: Built, cuda: Built, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rows of every length, one of which is cut."""
    texts = [row["text"] for row in make_rows(30, seed=5)] + ["a nice old table " * 60]
    source = write_jsonl(tmp_path / "in.jsonl", [{"text": text} for text in texts])
    dynamic = write_bundle(
        tmp_path / "fp32",
        graphs=cuda.folder / "fp32",
        tokenizer=cuda.folder / "bundle",
        manifest=cuda.manifest,
        card="",
    )
    found = []
    for folder in (qnn.folder / "bundle", dynamic.folder):
        assert main(["predict", "--model", str(folder), "--file", str(source)]) == 0
        found.append([json.loads(line)["prediction"] for line in capsys.readouterr().out.splitlines()])
    assert len(found[0]) == len(texts)
    assert np.mean([first == second for first, second in zip(*found, strict=True)]) > 0.7


def test_a_gpu_that_is_not_here_leaves_graphs_of_any_shape(cuda: Built) -> None:
    assert [report.name for report in cuda.exported.reports] == ["pytorch", "fp32", "fp16", "int4_blockwise"]
    assert cuda.manifest.graphs["model.onnx"]["inputs"]["input_ids"] == ["batch", "sequence"]
    assert cuda.manifest.target.note.startswith("built for CUDAExecutionProvider, run on CPU")
    assert all(report.agreement > 0.6 for report in cuda.exported.reports)


def test_predict_says_that_the_provider_is_missing(qnn: Built, caplog: pytest.LogCaptureFixture) -> None:
    assert execution_for(qnn.manifest.target).provider == CPU_PROVIDER
    assert "QNNExecutionProvider is not on this machine" in caplog.text
    caplog.clear()
    assert execution_for(None).provider == CPU_PROVIDER
    assert not caplog.text


def test_a_provider_that_does_not_start_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """onnxruntime names it, as it does of CUDA without a driver."""
    monkeypatch.setattr(
        "slimtune.export.runtime.execution.onnxruntime.get_available_providers", lambda: ["VitisAIExecutionProvider"]
    )
    found = placed("VitisAIExecutionProvider", {})
    assert found.execution.provider == CPU_PROVIDER
    assert found.note is not None
    assert "does not start on this machine" in found.note


def test_a_graph_that_a_provider_does_not_take_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not run on CoreMLExecutionProvider"):
        open_graph(tmp_path / "int8/model.onnx", Execution("CoreMLExecutionProvider"))


def test_a_batch_is_filled_up_and_cut_again() -> None:
    """Five rows of three tokens, for a graph of two rows of four."""
    shape, seen = StaticShape(2, 4), []

    def once(feed: Any) -> np.ndarray:
        seen.append(feed["input_ids"].shape)
        return np.asarray(feed["input_ids"][..., None] * feed["attention_mask"][..., None])

    ids = np.arange(1, 16).reshape(5, 3)
    output = shape.run({"input_ids": ids, "attention_mask": np.ones_like(ids)}, 0, once)
    assert seen == [(2, 4)] * 3
    assert np.array_equal(output[..., 0], ids)


def test_a_target_of_ones_own_is_valid() -> None:
    values = dict(composed()["export"])
    values["target"] = {
        "name": "npu",
        "provider": "VitisAIExecutionProvider",
        "provider_options": {"config": "own.json"},
        "static_batch": 4,
        "static_length": None,
    }
    target: TargetConfig = parse_export(values).section.target
    assert target.is_static
    assert target.provider_options == {"config": "own.json"}
