"""A checkpoint that is loaded again scores as it was saved."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from slimtune.export.bundle.manifest import BuiltFor
from slimtune.export.pipeline import ExportResult, _check_reference
from slimtune.export.verification.rescoring import rescored_note
from slimtune.sweeper.report_page.markup import escaped
from slimtune.sweeper.report_page.result_tables import variant_table
from slimtune.sweeper.reporting import terminal
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


def test_a_score_that_is_not_the_trials_is_explained_under_the_table() -> None:
    """On the terminal and on the page; an export of an older version says nothing."""
    said = (
        "the checkpoint was saved with accuracy 0.8462, computed in batches in the trial's precision "
        "(fit.precision=auto); here PyTorch computes in fp32, row by row"
    )
    note = rescored_note("accuracy", here=32 / 39, trained=33 / 39, precision="auto")
    assert note == said
    assert rescored_note("loss", here=0.84618, trained=0.84622, precision="bf16") is None
    target = BuiltFor(
        name="cpu",
        provider="CPUExecutionProvider",
        provider_options={},
        static_batch=None,
        static_length=None,
        ran_on="CPUExecutionProvider",
        note=None,
    )
    exported = ExportResult([], None, None, target, note=note).as_dict()
    console = Console(record=True, width=200)
    terminal.print_variants(console, exported)
    assert said in console.export_text()
    assert escaped(said) in variant_table(exported)
    # a note is text, in whatever brackets
    exported["target"]["note"] = "computed on [red]"
    terminal.print_variants(console, exported)
    assert "target cpu: computed on [red]" in console.export_text()
    del exported["note"]
    terminal.print_variants(console, exported)
    assert "precision" not in console.export_text() + variant_table(exported)
