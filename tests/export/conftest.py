"""A tiny trained checkpoint, exported once for all tests of the folder."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from slimtune.export.bundle.interface import Interface
from slimtune.export.bundle.manifest import Manifest, Provenance, Training, Verification
from slimtune.export.bundle.variant_report import Timing, VariantReport
from slimtune.export.config import Calibration, Int4Algorithm, OnnxExport, TargetConfig, Variant, VariantObjective
from slimtune.export.graph_names import Kind
from slimtune.export.pipeline import ExportResult, export_checkpoint
from slimtune.export.verification import timing
from slimtune.export.verification.timing import TimingRequest
from slimtune.training.trial import Completed
from slimtune.training.worker.run import run_trial
from tests.conftest import FakeTrial
from tests.training.tasks.conftest import ANSWERS
from tests.training.tasks.conftest import bases as bases

CPU_TARGET = TargetConfig(
    name="cpu", provider="CPUExecutionProvider", provider_options={}, static_batch=None, static_length=None
)


def export_config(**more: Any) -> OnnxExport:
    values: Mapping[str, Any] = {
        "name": "onnx",
        "target": CPU_TARGET,
        "opset": 20,
        "variants": [Variant.int8_dynamic, Variant.int8_blockwise],
        "per_channel": True,
        "block_size": 32,
        "symmetric": False,
        "int4_algorithm": Int4Algorithm.rtn,
        "embedding_bits": 8,
        "calibration": Calibration.minmax,
        "calibration_rows": 32,
        "keep_sensitive": False,
        "objective": VariantObjective.size,
        "max_size_mb": None,
        "max_latency_ms": None,
        "max_metric_drop": 0.05,
        "min_agreement": 0.9,
        "merged": [],
        "bitsandbytes": [],
        "genai": [],
        "registered_model": "tiny",
        "alias": "champion",
    }
    return OnnxExport(**{**values, **more})


def no_timing(request: TimingRequest) -> Timing:
    """In place of `measure`, which takes longer than all else: a process for each variant, and one for PyTorch."""
    assert Path(request.folder).is_dir()
    return Timing(**dict.fromkeys((item.name for item in fields(Timing)), 1.0))


def timed_here(request: TimingRequest) -> Timing:
    """What `measure` does, a few times and in this process; the request comes as text, as a process gets it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timing, "RUNS", 3)
        patch.setattr(timing, "WARMUP", 1)
        return timing.measured(TimingRequest(**json.loads(json.dumps(asdict(request)))))


def make_report(name: str, score: float) -> VariantReport:
    timing = Timing(**dict.fromkeys((item.name for item in fields(Timing)), 1.0))
    return VariantReport(
        name=name,
        score=score,
        metric_drop=0.01,
        drop_low=0.0,
        drop_high=0.02,
        agreement=0.99,
        num_disagreeing=1,
        max_logit_gap=0.1,
        size_mb=10.0,
        timing=timing,
        passed=True,
    )


def make_manifest(
    reports: Sequence[VariantReport], *, variant: str, metric: str = "accuracy", direction: str = "maximize"
) -> Manifest:
    """Of a classifier of two labels."""
    training = Training(
        task="classification",
        metric=metric,
        direction=direction,
        base_model="base",
        base_revision=None,
        method="lora",
        data="file",
        data_fingerprint="same",
        config={},
    )
    limits = export_config().limits
    return Manifest(
        interface=Interface(kind=Kind.labels, labels=["a", "b"], max_length=32, pad_id=0),
        training=training,
        verification=Verification(
            num_validation_rows=10, validation={}, limits=limits, objective="size", variants=reports
        ),
        provenance=Provenance(),
        variant=variant,
        opset=20,
        versions={},
    )


def predicted(*arguments: str) -> str:
    """What `slimtune predict` prints; nothing heavy is imported for it."""
    code = (
        "import sys; from slimtune.sweeper.cli import main\n"
        f"code = main(['predict', *{arguments!r}])\n"
        "heavy = {'torch', 'transformers', 'peft', 'optuna', 'mlflow', 'sklearn', 'hydra'} & set(sys.modules)\n"
        "assert not heavy, heavy; sys.exit(code)"
    )
    return run_code(code)


def documented(page: str) -> str:
    """The first lines of Python on a page of the docs, which run without anything of ours, PyTorch and transformers."""
    code = (Path(__file__).parents[2] / "docs" / page).read_text().split("```python\n")[1].split("```")[0]
    return code + "import sys; assert not {'torch', 'transformers', 'slimtune'} & set(sys.modules)"


def run_code(code: str) -> str:
    """What Python prints, in a process of its own."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def export_adapters(base: Path, adapters: Mapping[str, Path], output: Path, *more: str) -> int:
    """The exit code of `slimtune adapters`."""
    from slimtune.sweeper.cli import main

    given = ",".join(f"{name}={path}" for name, path in adapters.items())
    return main(["adapters", "--base", str(base), "--adapters", given, "--output", str(output), *more])


def make_llama(folder: Path, **more: Any) -> Path:
    """A causal base of two layers, whose greedy text varies though nobody trained it."""
    from slimtune.training.models.from_config import make_from_config

    sizes = {"num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1, "hidden_size": 32}
    settings = {"model_type": "llama", "vocab_size": 320, "intermediate_size": 64, "max_position_embeddings": 128}
    make_from_config(
        {**settings, **sizes, "initializer_range": 0.2, **more}, [str(row["text"]) for row in ANSWERS], folder, seed=0
    )
    return folder


@pytest.fixture
def untimed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slimtune.export.verification.measured_variants.measure", no_timing)


def trained(folder: Path, model: Path | None, rows: Path, *more: str) -> Path:
    """The checkpoint of a trial on the rows."""
    from tests.composed import plain_config

    overrides = [
        f"data.train_file={rows}",
        f"data.cache_dir={folder / 'cache'}",
        "data.max_length=32",
        *([] if model is None else [f"model.name_or_path={model}"]),
        "fit.learning_rate=3e-3",
        "fit.batch_size=8",
        "fit.epochs=8",
        "fit.precision=fp32",
        "tracking=none",
        *more,
    ]
    outcome = run_trial(FakeTrial(plain_config(overrides), folder / "trial"))
    assert isinstance(outcome, Completed)
    return outcome.checkpoint


@pytest.fixture(scope="session")
def checkpoint(tiny_model: Path, rows_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("trained"), tiny_model, rows_file)


@pytest.fixture(scope="session")
def exported(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> ExportResult:
    folder, provenance = tmp_path_factory.mktemp("export"), Provenance(source_run="abc", parent_run="sweep")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("slimtune.export.verification.measured_variants.measure", no_timing)
        return export_checkpoint(checkpoint, config=export_config(), folder=folder, provenance=provenance)


@pytest.fixture
def traced(exported: ExportResult, monkeypatch: pytest.MonkeyPatch) -> None:
    """The graph of `exported`, in place of another trace of the same checkpoint, which takes seconds."""
    assert exported.bundle is not None
    graph = exported.bundle.folder.parent / "fp32"

    def copied(model: object, folder: Path, **_: object) -> None:
        shutil.copytree(graph, folder, dirs_exist_ok=True)

    monkeypatch.setattr("slimtune.export.pipeline.export_graph", copied)


@pytest.fixture(scope="session", autouse=True)
def _one_registry() -> Iterator[None]:
    """The exporter's table of operators is made once: torch makes it for each graph, in a tenth of the whole time."""
    from torch.onnx._internal.exporter._registration import ONNXRegistry

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ONNXRegistry, "from_torchlib", staticmethod(cache(ONNXRegistry.from_torchlib)))
        yield
