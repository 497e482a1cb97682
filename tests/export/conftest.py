"""A tiny trained checkpoint, exported once for all tests of the folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from export.config import Calibration, Objective, OnnxExport, Variant
from export.pipeline import Exported, export_checkpoint
from tests.conftest import FakeTrial
from training.engine import run_trial
from training.trial import Completed


def limits(**more: Any) -> OnnxExport:
    values: Mapping[str, Any] = {
        "name": "onnx",
        "opset": 20,
        "variants": [Variant.int8_dynamic, Variant.int8_blockwise],
        "per_channel": True,
        "block_size": 32,
        "symmetric": False,
        "calibration": Calibration.minmax,
        "calibration_rows": 32,
        "keep_sensitive": False,
        "objective": Objective.size,
        "max_size_mb": None,
        "max_latency_ms": None,
        "max_metric_drop": 0.05,
        "min_agreement": 0.9,
        "registered_model": "tiny",
        "alias": "champion",
    }
    return OnnxExport(**{**values, **more})


def trained(folder: Path, model: Path, rows: Path, *more: str) -> Path:
    """The checkpoint of a trial on the rows."""
    from hydra import compose, initialize_config_module

    from sweeper.composed import plain

    overrides = [
        f"data.train_file={rows}",
        f"data.cache_dir={folder / 'cache'}",
        "data.max_length=32",
        f"model.name_or_path={model}",
        "fit.learning_rate=3e-3",
        "fit.batch_size=8",
        "fit.epochs=8",
        "fit.precision=fp32",
        "tracking=none",
        *more,
    ]
    with initialize_config_module("conf", version_base="1.3"):
        config = plain(compose("config", overrides=overrides))
    outcome = run_trial(FakeTrial(config, folder / "trial"))
    assert isinstance(outcome, Completed)
    return outcome.checkpoint


@pytest.fixture(scope="session")
def checkpoint(tiny_model: Path, rows_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("trained"), tiny_model, rows_file)


@pytest.fixture(scope="session")
def exported(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return export_checkpoint(checkpoint, limits(), tmp_path_factory.mktemp("export"), facts={"source_run": "abc"})
