"""The winner in the registry, where no whole sweep is needed to show it."""

import io
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from slimtune.export.config import parse_export
from slimtune.export.promotion.config import promotion_config
from slimtune.sweeper.campaigns import winner_registration
from slimtune.sweeper.campaigns.winner_registration import WinnerRegistration, why_unregistered
from slimtune.sweeper.report_page.page import page
from slimtune.sweeper.reporting.terminal import print_registered
from slimtune.training.config.trial import parse_trial
from slimtune.training.errors import ModelError
from slimtune.training.tracking.journal import journals_in
from slimtune.training.tracking.line import TrackerAway
from slimtune.training.tracking.run import NullRun
from tests.cases.sweep_requests import RequestOf, request_of
from tests.sweeper.report_page.sweeps import a_sweep, some_trials

__all__ = ["request_of"]


@pytest.mark.slow
def test_without_its_tracker_nothing_is_registered_and_nothing_begun(request_of: RequestOf) -> None:
    """It is left to `slimtune resume`, which the sweep says."""
    request = request_of("export=onnx", "tracking=mlflow", "tracking.uri=http://127.0.0.1:9")
    export = parse_export(request.tried["export"]).section
    tracking = parse_trial(request.tried).section.tracking
    exported = {"bundle": "none", "chosen": "fp16"}
    with pytest.raises(TrackerAway, match="does not answer"):
        WinnerRegistration(request, tracking, export, promotion_config()).register(exported, NullRun())
    assert journals_in(request.folder) == []


def test_what_is_noted_of_a_comparison_is_told_with_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `slimtune promote` tells it: the champion may know the rows that both are measured on."""
    note = "the champion was trained on other rows, perhaps on some of these"
    compared: Any = SimpleNamespace(notes=[note])
    decision: Any = SimpleNamespace(comparison=compared, reason="0.8 against 0.7")
    moved: Any = SimpleNamespace(alias="champion", before="1", decision=decision, is_dropped=False)
    monkeypatch.setattr(winner_registration, "promote", lambda *_: moved)
    candidate: Any = SimpleNamespace(uri="models:/tiny/2")
    asked: Any = SimpleNamespace(alias="champion")
    stage = {"name": "tiny", "version": "2", **winner_registration._promoted(candidate, asked)}
    text = io.StringIO()
    print_registered(Console(file=text, width=200), stage)
    assert text.getvalue().splitlines()[1:] == [f"  note: {note}"]


@pytest.mark.parametrize(
    ("alias", "before", "told"),
    [
        ("challenger", "2", "tiny version 3, alias challenger (was version 2): not better"),
        ("champion", "1", "tiny version 3, alias champion (was version 1): not better"),
        ("champion", None, "tiny version 3, alias champion: not better"),
        ("champion", "3", "tiny version 3, alias champion: not better"),
        (None, None, "tiny version 3, no alias: not better"),
    ],
)
def test_the_version_that_an_alias_was_taken_from_is_told(alias: str | None, before: str | None, told: str) -> None:
    """Of any alias, in the terminal and on the sweep's page; nothing where nobody had it, or this version itself."""
    stage = {"name": "tiny", "version": "3", "alias": alias, "before": before, "reason": "not better"}
    text = io.StringIO()
    print_registered(Console(file=text, width=200), stage)
    assert text.getvalue().strip() == f"registered: {told}"
    assert f"Registered: {told}." in page(a_sweep(some_trials(3), attrs={"registered": {"key": "", "result": stage}}))


def test_a_champion_that_cannot_be_read_ends_no_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    """The version is kept without an alias, and the command that decides later is told."""

    def promote(*_: Any) -> Any:
        raise ModelError("model.onnx was changed")

    monkeypatch.setattr(winner_registration, "promote", promote)
    candidate: Any = SimpleNamespace(uri="models:/tiny/2")
    asked: Any = SimpleNamespace(alias="champion")
    stage = winner_registration._promoted(candidate, asked)
    assert (stage["alias"], stage["passed"]) == (None, False)
    assert "model.onnx was changed; then: slimtune promote models:/tiny/2" in stage["reason"]


@pytest.mark.parametrize(
    ("choices", "told"),
    [
        (("export=onnx", "tracking=mlflow"), None),
        (("export=onnx", "tracking=none"), "not registered: tracking=none; a sweep with tracking=mlflow registers"),
        (("export=none", "tracking=mlflow"), "not registered: export=none; a sweep with export=onnx registers"),
        (
            ("export=none", "tracking=none"),
            "not registered: export=none and tracking=none; a sweep with export=onnx tracking=mlflow registers",
        ),
    ],
)
def test_choices_that_keep_a_winner_out_of_the_registry_are_told(
    request_of: RequestOf, choices: tuple[str, ...], told: str | None
) -> None:
    values = request_of(*choices).tried
    export = parse_export(values["export"]).section
    assert why_unregistered(export, parse_trial(values).section.tracking) == told
