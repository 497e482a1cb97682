"""Scores whose rows are answered a batch at a time may depend on the batches, and that is told."""

from types import SimpleNamespace
from typing import Any

import pytest

from slimtune.export.evaluation import batch_notes as module
from slimtune.export.evaluation.batch_notes import batch_notes
from slimtune.export.evaluation.evaluate_model import evaluate_model
from slimtune.export.pipeline import ExportResult
from tests.conftest import make_rows


def bundle_of(variant: str) -> Any:
    return SimpleNamespace(manifest=SimpleNamespace(variant=variant))


@pytest.mark.parametrize(
    ("variants", "num_notes"),
    [(["fp32", "int8_blockwise"], 0), (["int8_dynamic"], 1), (["fp32", "int8_dynamic"], 1), (["int8_dynamic"] * 2, 1)],
)
def test_it_is_told_once_where_one_of_the_bundles_answers_so(variants: list[str], num_notes: int) -> None:
    found = batch_notes(**dict(zip(("challenger", "champion"), map(bundle_of, variants), strict=False)))
    assert len(found) == num_notes


@pytest.mark.parametrize(
    ("variants", "whose"),
    [
        (("int8_dynamic", "fp32"), "the challenger is in int8_dynamic, "),
        (("fp32", "int8_dynamic"), "the champion is in int8_dynamic, "),
        (("int8_dynamic", "int8_dynamic"), "the challenger and the champion are in int8_dynamic, "),
    ],
)
def test_it_says_whose_answers_they_are(variants: tuple[str, str], whose: str) -> None:
    (told,) = batch_notes(challenger=bundle_of(variants[0]), champion=bundle_of(variants[1]))
    assert told.startswith(whose)


def test_an_evaluation_tells_it(exported: ExportResult, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here of whichever variant was chosen."""
    assert exported.bundle is not None
    variant = exported.bundle.manifest.variant
    monkeypatch.setattr(module, "BY_BATCH", variant)
    notes = evaluate_model(str(exported.bundle.folder), data=make_rows(4, seed=7)).notes
    assert any(note.startswith(f"the model is in {variant}, which rounds by all rows") for note in notes)
