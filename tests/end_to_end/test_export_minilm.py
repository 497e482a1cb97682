"""A pretrained encoder, trained for a moment on the quickstart's data: every variant of it."""

from pathlib import Path

import pytest

from slimtune.export.bundle.bundle import open_bundle
from slimtune.export.config import Variant
from slimtune.export.pipeline import export_checkpoint
from slimtune.export.runtime.classifier import Classifier
from slimtune.training.trial import Completed
from slimtune.training.worker.run import run_trial
from tests.composed import plain_config
from tests.conftest import FakeTrial
from tests.export.conftest import export_config, untimed

__all__ = ["untimed"]
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("untimed")]
# share of fp32's size
SIZES = {
    "fp16": 0.51,
    "int8_dynamic": 0.26,
    "int8_blockwise": 0.28,
    "int8_split": 0.3,
    "int8_static": 0.26,
    "int4_blockwise": 0.22,
}
# share of PyTorch's answers; that of a random answer is a sixth on tone
ANSWERS = {
    "fp16": 0.97,
    "int8_dynamic": 0.6,
    "int8_blockwise": 0.9,
    "int8_split": 0.95,
    "int8_static": 0.35,
    "int4_blockwise": 0.5,
}


def test_minilm_is_exported_with_every_variant(tmp_path: Path) -> None:
    # one thread: onnxruntime's others spin while they wait
    few = ["fit.max_steps=40", "fit.threads=1", "data.validation_share=0.05", "data.test_share=0.05"]
    more = [*few, "fit.precision=fp32", "tracking=none", f"data.cache_dir={tmp_path / 'cache'}"]
    outcome = run_trial(FakeTrial(plain_config(["experiment=tone", *more]), tmp_path / "trial"))
    assert isinstance(outcome, Completed), outcome
    asked = export_config(variants=list(Variant), min_agreement=0.0, max_metric_drop=0.9)
    exported = export_checkpoint(outcome.checkpoint, config=asked, folder=tmp_path / "out")
    reports = {report.name: report for report in exported.reports}
    fp32 = reports["fp32"]
    assert (fp32.agreement, fp32.max_logit_gap < 1e-3) == (1.0, True)
    for variant in Variant:
        found = reports[variant.value]
        assert found.size_mb < SIZES[variant.value] * fp32.size_mb, found
        assert found.agreement > ANSWERS[variant.value], found
    assert exported.bundle is not None
    (answer,) = Classifier(open_bundle(exported.bundle.folder).model).answer(["I could cry with joy"])
    assert answer.labels[0] in exported.bundle.labels
