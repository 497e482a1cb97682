from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from slimtune.export.bundle.bundle import Bundle
from slimtune.export.evaluation.bundle_score import on_rows
from slimtune.export.pipeline import ExportResult
from slimtune.export.registry.gate import decide
from slimtune.training.data.examples import Example
from tests.conftest import make_rows
from tests.export.conftest import make_manifest, make_report


def make(
    score: float, *, labels: Sequence[str] = ("a", "b"), metric: str = "accuracy", fingerprint: str = "same"
) -> Bundle:
    reports = [make_report("fp32", 0.0), make_report("int8", score)]
    direction = "minimize" if metric == "loss" else "maximize"
    manifest = make_manifest(reports, variant="int8", metric=metric, direction=direction)
    training = replace(manifest.training, data_fingerprint=fingerprint)
    return Bundle(Path(), replace(manifest, training=training, interface=replace(manifest.interface, labels=labels)))


def test_without_a_champion_everybody_passes() -> None:
    assert decide(make(0.1), None, None).passed


@pytest.mark.parametrize(("candidate", "passes"), [(0.81, True), (0.8, False), (0.79, False)])
def test_the_candidate_must_be_better(candidate: float, passes: bool) -> None:
    decision = decide(make(candidate), make(0.8), None)
    assert decision.passed is passes
    assert "against the champion's 0.8000 on 10 rows" in decision.reason


def test_less_loss_is_better() -> None:
    assert decide(make(0.5, metric="loss"), make(0.6, metric="loss"), None).passed
    assert not decide(make(0.7, metric="loss"), make(0.6, metric="loss"), None).passed


def test_a_smaller_model_that_is_worse_becomes_no_champion() -> None:
    """Whatever else a search went by, the metric of the task decides, and the reason names it."""
    candidate = make(0.79)
    reports = [replace(one, size_mb=1.0) for one in candidate.manifest.verification.variants]
    verification = replace(candidate.manifest.verification, variants=reports)
    small = Bundle(Path(), replace(candidate.manifest, verification=verification))
    decision = decide(small, make(0.8), None)
    assert not decision.passed
    assert decision.reason.startswith("accuracy 0.7900 against the champion's 0.8000")


def test_scores_from_other_rows_do_not_compare() -> None:
    decision = decide(make(0.9, fingerprint="other"), make(0.1), None)
    assert not decision.passed
    assert "give --data" in decision.reason


def test_other_labels_do_not_compare() -> None:
    assert "labels are not the champion's" in decide(make(0.9, labels=["a", "c"]), make(0.1), None).reason


def test_rows_are_scored_by_both(exported: ExportResult) -> None:
    """A model is not better than itself; the numbers come from the rows given."""
    assert exported.bundle is not None
    rows = [Example(row["text"], row["label"]) for row in make_rows(30, seed=5)]
    decision = decide(exported.bundle, exported.bundle, on_rows(exported.bundle, rows))
    assert not decision.passed
    assert "on 30 rows: not better" in decision.reason
