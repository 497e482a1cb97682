from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from slimtune.export.bundle.variant_report import Timing, VariantReport
from slimtune.export.config import VariantObjective
from slimtune.export.graph_names import Kind
from slimtune.export.verification.check import (
    VariantCheck,
    check_variant,
    choose_variant,
    drop_interval,
    median_texts,
)
from slimtune.export.verification.reference import ComparedRows, Reference
from slimtune.training.data.batching import Batch, EncodedSplit, Targets
from slimtune.training.data.encoding import Encoded, Ragged
from slimtune.training.data.examples import Example
from slimtune.training.tasks.classification import Classification
from tests.export.conftest import export_config


class FakeRunner:
    """Gives prepared scores; the one token of a row is its number."""

    def __init__(self, logits_NC: np.ndarray) -> None:
        self._logits_NC = torch.from_numpy(logits_NC)

    def logits(self, batch: Batch) -> torch.Tensor:
        return self._logits_NC[batch.input_ids_BT[:, 0]]

    def answers(self, prompts: object) -> list[str]:
        raise NotImplementedError


def reference_of(logits: np.ndarray, labels: np.ndarray, *, multi_label: bool = False) -> Reference:
    metrics = ("multilabel_f1",) if multi_label else ("accuracy",)
    targets = Targets(labels, np.ones(len(labels)))
    encoded = Encoded({"input_ids": Ragged.of([[row] for row in range(len(labels))])}, 0)
    config: Any = SimpleNamespace(
        task=SimpleNamespace(metric="f1_micro" if multi_label else "accuracy", maximize=True),
        data=SimpleNamespace(text_pair_column=None),
    )
    rows = ComparedRows(
        kind=Kind.labels,
        task=Classification(tuple("abc"[: logits.shape[1]]), metrics=metrics, multi_label=multi_label),
        split=EncodedSplit(encoded, targets, [Example("a")] * len(labels)),
        tokenizer=SimpleNamespace(pad_token_id=0),
        config=config,
    )
    return Reference(rows=rows, found=rows.run(FakeRunner(logits), batch_size=1))


@pytest.fixture
def reference() -> Reference:
    logits = np.array([[2.0, 0.0], [2.0, 0.0], [0.0, 2.0], [0.0, 2.0]], dtype=np.float32)
    return reference_of(logits, np.array([0, 0, 1, 0]))


def logits_of(reference: Reference) -> np.ndarray:
    outputs = reference.found.outputs
    return np.stack([outputs[row] for row in range(len(outputs))])


def checked(reference: Reference, logits: np.ndarray) -> VariantCheck:
    return check_variant(FakeRunner(logits), reference)


def test_drop_agreement_and_gap_are_counted(reference: Reference) -> None:
    changed = logits_of(reference)
    changed[0] = [0.0, 3.0]
    found = checked(reference, changed)
    assert found.score == 0.5
    assert found.metric_drop == pytest.approx(0.25)
    assert (found.agreement, found.num_disagreeing) == (0.75, 1)
    assert found.max_logit_gap == pytest.approx(3.0)
    assert not found.within(export_config())


def test_a_variant_that_is_luckily_better_is_still_refused_for_its_labels(reference: Reference) -> None:
    """More right answers by other answers is not what was trained."""
    changed = logits_of(reference)
    changed[3] = [3.0, 0.0]
    found = checked(reference, changed)
    assert found.metric_drop < 0
    assert not found.within(export_config(min_agreement=0.99))


def test_with_several_labels_a_row_agrees_if_all_of_them_do() -> None:
    logits = np.array([[1.0, 1.0, -1.0], [-1.0, 1.0, -1.0], [-1.0, -1.0, -1.0]], dtype=np.float32)
    several = reference_of(logits, (logits > 0).astype(np.float32), multi_label=True)
    assert checked(several, logits).score == 1.0
    changed = logits.copy()
    # the second of two labels: the best one is still the same
    changed[0, 1] = -0.5
    found = checked(several, changed)
    assert (found.num_disagreeing, found.score) == (1, pytest.approx(0.8))


def test_the_drops_interval_is_that_of_pairs(reference: Reference) -> None:
    """Rows on which both agree add nothing: two models of equal score and equal answers differ by exactly 0."""
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(200, 2)).astype(np.float32)
    labels_N = generator.integers(0, 2, 200)
    many = reference_of(logits, labels_N)
    assert drop_interval(checked(many, logits * 2), many) == (0.0, 0.0)
    worse = logits.copy()
    right = np.flatnonzero(logits.argmax(1) == labels_N)[:20]
    worse[right] = -worse[right]
    found = checked(many, worse)
    low, high = drop_interval(found, many)
    assert found.metric_drop == pytest.approx(0.1)
    # a share of 0.1 of 200 rows: its standard error is 0.021
    assert 0.04 < low < 0.075
    assert 0.125 < high < 0.16


def report(name: str, size_mb: float, latency_ms: float, *, passed: bool = True) -> VariantReport:
    names = ("load_ms", "latency_p95_ms", "batch8_ms", "batch8_p95_ms", "tokens_per_second", "peak_mb")
    return VariantReport(
        name=name,
        score=0.5,
        metric_drop=0.0,
        drop_low=0.0,
        drop_high=0.0,
        agreement=1.0,
        num_disagreeing=0,
        max_logit_gap=0.0,
        size_mb=size_mb,
        timing=Timing(latency_ms=latency_ms, **dict.fromkeys(names, 1.0)),
        passed=passed,
    )


def test_the_smallest_or_the_fastest_that_passed_is_chosen() -> None:
    reports = [report("a", 3.0, 1.0), report("b", 2.0, 2.0), report("c", 1.0, 0.5, passed=False)]
    assert [choose_variant(reports, objective) for objective in VariantObjective] == [reports[1], reports[0]]
    assert choose_variant(reports[2:], VariantObjective.size) is None


def test_a_report_is_flat() -> None:
    values = report("a", 3.0, 1.5).as_dict()
    assert (values["name"], values["latency_ms"], values["peak_mb"]) == ("a", 1.5, 1.0)
    assert "timing" not in values


def test_texts_of_median_length_are_timed(tmp_path: Path) -> None:
    texts = ["x" * length for length in range(1, 10)]
    assert [len(text) for text in median_texts(texts, 3)] == [5, 4, 6]
    # as many as asked, also of fewer
    assert median_texts(["a", "bb"], 5) == ["bb", "a", "bb", "a", "bb"]
