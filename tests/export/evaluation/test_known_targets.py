"""Targets that a model cannot give are told with their rows, for every task that has such."""

from typing import Any

import pytest

from slimtune.export.evaluation.known_targets import check_labels, check_targets
from slimtune.training.config.task import Direction, Pooling, SimilarityTask
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.examples import Example
from slimtune.training.data.spans import Span
from slimtune.training.errors import DataError
from slimtune.training.tasks import classification, extraction
from slimtune.training.tasks.rows import GivenRows


def given(*examples: Example | None) -> GivenRows:
    places = [f"rows.csv, row {number}" for number in range(1, len(examples) + 1)]
    return GivenRows([{} for _ in examples], list(examples), places)


def test_several_labels_and_spellings_are_known_as_rows_have_them() -> None:
    rows = given(Example("a", labels=("1", "true")), None, Example("b", labels=("x", "y")))
    check_labels(given(rows.examples[0]), ["1.0", "True"], classification.labels_in, key="--label-column")
    with pytest.raises(DataError, match=r"'x' \(rows.csv, row 3\), 'y' \(rows.csv, row 3\); it knows 1, true"):
        check_labels(rows, ["1.0", "True"], classification.labels_in, key="--label-column")


def test_types_of_spans_are_labels() -> None:
    rows = given(Example("Mara left", spans=(Span(0, 4, "person"),)), Example("Oslo", spans=(Span(0, 4, "town"),)))
    with pytest.raises(DataError, match=r"does not know: 'town' \(rows.csv, row 2\); it knows person"):
        check_labels(rows, ["person"], extraction.span_labels_in, key="--label-column")


def test_many_are_counted() -> None:
    rows = given(*(Example("a", label=f"l{number}") for number in range(9)))
    with pytest.raises(DataError, match=r"'l4' \(rows.csv, row 5\) and 4 more; it knows k0, .*, \.\.\.; correct"):
        check_labels(rows, [f"k{number}" for number in range(99)], classification.labels_in, key="--label-column")


def test_numbers_that_the_loss_does_not_take() -> None:
    loss = {"_target_": "slimtune.training.tasks.pair_losses.ContrastiveLoss", "margin": 0.5}
    options: dict[str, Any] = {"metric": "loss", "direction": Direction.minimize, "metrics": [], "loss": loss}
    config: Any = TrialConfig(
        **{name: None for name in TrialConfig._fields if name != "task"},
        task=SimilarityTask(name="similarity", pooling=Pooling.mean, alike_label=None, score_range=None, **options),
    )
    check_targets(given(Example("a", "0.5", "b")), config, (), key="--label-column")
    with pytest.raises(DataError, match=r"from 0 to 1 are .* and one is 3 \(rows.csv, row 2, and 1 more\); rescale"):
        check_targets(
            given(Example("a", "1", "b"), Example("a", "3", "b"), Example("a", "-1", "b")),
            config,
            (),
            key="--label-column",
        )
