"""A checkpoint that is loaded again scores as it was saved."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from slimtune.export.pipeline import _check_reference
from slimtune.training.errors import ModelError


def refusal(trained: float, loaded: float, num_rows: int) -> str | None:
    tallies = SimpleNamespace(generated=object())
    reference: Any = SimpleNamespace(metric="accuracy", found=tallies, score=lambda _: loaded, tally=lambda _: "labels")
    checkpoint = SimpleNamespace(folder=Path("c"), record=SimpleNamespace(scores={"validation/accuracy": trained}))
    source: Any = SimpleNamespace(checkpoint=checkpoint, splits=SimpleNamespace(validation=range(num_rows)))
    try:
        _check_reference(reference, source)
    except ModelError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    ("trained", "loaded", "num_rows", "passes"),
    [
        (0.5, 0.5, 1, True),
        # one row of eighteen, and three of them
        (9 / 18, 8 / 18, 18, True),
        (9 / 18, 6 / 18, 18, False),
        # of many rows a few are a small share
        (0.90, 0.88, 1000, True),
        (0.90, 0.86, 1000, False),
    ],
)
def test_a_few_rows_may_be_told_apart_by_the_precision_of_training(
    trained: float, loaded: float, num_rows: int, passes: bool
) -> None:
    """Of few rows, two are a large share."""
    said = refusal(trained, loaded, num_rows)
    assert said is None if passes else "the checkpoint or its base model has changed" in (said or "")
