from pathlib import Path

import numpy as np
import pytest

from export.verify import Reference, VariantReport, choose, verify
from tests.export.conftest import limits
from training.metrics import measure_of


class FakeSession:
    """Gives prepared logits, whatever the texts."""

    def __init__(self, logits: np.ndarray) -> None:
        self._logits = logits

    def logits(self, texts: list[str], *, batch_size: int = 8) -> np.ndarray:
        return self._logits


@pytest.fixture
def reference() -> Reference:
    logits = np.array([[2.0, 0.0], [2.0, 0.0], [0.0, 2.0], [0.0, 2.0]], dtype=np.float32)
    return Reference(
        texts=["a"] * 4,
        labels_N=np.array([0, 0, 1, 0]),
        logits_NC=logits,
        metric="accuracy",
        maximize=True,
        rows=[{}] * 4,
        measures=(measure_of("accuracy"),),
    )


def measured(reference: Reference, logits: np.ndarray, tmp_path: Path, **more: float) -> VariantReport:
    (tmp_path / "m.onnx").write_bytes(b"x" * 1000)
    session = FakeSession(logits)
    return verify("v", tmp_path / "m.onnx", session=session, reference=reference, limits=limits(**more))  # type: ignore[arg-type]


def test_drop_agreement_and_gap_are_counted(reference: Reference, tmp_path: Path) -> None:
    changed = reference.logits_NC.copy()
    changed[0] = [0.0, 3.0]
    report = measured(reference, changed, tmp_path)
    assert report.metric == 0.5
    assert report.metric_drop == pytest.approx(0.25)
    assert (report.agreement, report.num_disagreeing) == (0.75, 1)
    assert report.max_logit_gap == pytest.approx(3.0)
    assert report.size_mb == pytest.approx(0.001)
    assert not report.passed


def test_a_variant_that_is_luckily_better_is_still_refused_for_its_labels(reference: Reference, tmp_path: Path) -> None:
    """More right answers by other answers is not what was trained."""
    changed = reference.logits_NC.copy()
    changed[3] = [3.0, 0.0]
    report = measured(reference, changed, tmp_path, min_agreement=0.99)
    assert report.metric_drop < 0
    assert not report.passed


def test_the_smallest_that_passed_is_chosen(reference: Reference, tmp_path: Path) -> None:
    from dataclasses import replace

    report = measured(reference, reference.logits_NC, tmp_path)
    reports = [
        replace(report, name="a", size_mb=3.0),
        replace(report, name="b", size_mb=2.0),
        replace(report, name="c", size_mb=1.0, passed=False),
    ]
    chosen = choose(reports)
    assert chosen is not None
    assert chosen.name == "b"
    assert choose(reports[2:]) is None
