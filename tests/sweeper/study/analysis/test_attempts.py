"""What tables show of trials that are tried again."""

from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from slimtune.sweeper.commands.status import _waiting_table
from slimtune.sweeper.report_page.leaderboard import leaderboard
from slimtune.sweeper.reporting.compared_table import as_plain
from slimtune.sweeper.reporting.live_table import LiveTable
from slimtune.sweeper.reporting.sweep_status import sweep_status
from slimtune.sweeper.reporting.trial_rows import TrialRow
from slimtune.sweeper.study import Study, TrialRecord, TrialState
from slimtune.sweeper.study.analysis.attempts import as_shown, number_notes
from slimtune.sweeper.study.loaded import load_study_trials
from slimtune.sweeper.study.record import EARLIER, LOST, REPEATED
from tests.sweeper.report_page.sweeps import a_sweep, a_trial
from tests.sweeper.study.specs import make_spec


@pytest.fixture
def stopped(tmp_path: Path) -> Study:
    """Two trials of four, one complete; the other one was stopped after a report, twice."""
    study = Study(make_spec(tmp_path))
    first = study.ask("w")
    assert first is not None
    study.complete(first.number, 0.5)
    for objective in (0.75, None):
        asked = study.ask("w")
        assert asked is not None
        if objective is not None:
            study.report(asked.number, 10, objective=objective, progress=0.25)
        study.put_back(asked.number)
    return study


def text_of(table: Any) -> str:
    console = Console(file=StringIO(), width=120)
    console.print(table)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def test_a_trial_that_waits_to_be_gone_on_with_has_its_values_and_its_last_score(stopped: Study) -> None:
    loaded = load_study_trials(stopped.spec.storage, stopped.spec.name)
    waiting = next(trial for trial in loaded.trials if trial.state is TrialState.waiting)
    lost = next(trial for trial in loaded.attempts if trial.kind == LOST)
    assert dict(waiting.params) == dict(lost.params)
    assert (waiting.number, waiting.objective, waiting.progress) == (3, 0.75, 0.25)


def test_a_score_from_before_counts_nowhere(stopped: Study) -> None:
    """It is better than the only complete trial's, and neither best nor seen by samplers."""
    loaded = load_study_trials(stopped.spec.storage, stopped.spec.name)
    assert [trial.number for trial in loaded.ranked()] == [0]
    assert [trial.number for trial in loaded.pareto()] == [0]
    best = sweep_status(stopped.spec.storage, stopped.spec.name).best
    assert best is not None
    assert best.number == 0
    assert [trial.objective for trial in stopped.trials() if trial.state is TrialState.waiting] == [None]


def test_a_trial_that_has_begun_again_has_them_until_it_reports(stopped: Study) -> None:
    asked = stopped.ask("w")
    assert asked is not None
    assert as_shown(stopped.trials())[-1].objective == 0.75
    stopped.report(asked.number, 10, objective=0.25, progress=0.25)
    assert as_shown(stopped.trials())[-1].objective == 0.25


def test_a_lost_attempt_that_ends_otherwise_keeps_no_score_of_before() -> None:
    trials = [
        a_trial(0, TrialState.failed, kind=LOST, objective=0.75),
        a_trial(1, TrialState.failed, objective=None, attrs={EARLIER: [0]}),
    ]
    assert [trial.objective for trial in as_shown(trials)] == [None]


def test_every_table_says_which_number_a_trial_had(stopped: Study) -> None:
    """The live one, that of `status`, the page, and in JSON."""
    note = "3 was 2 and 1: tried again after its worker died or was stopped"
    attempts = stopped.trials()
    live = LiveTable(stopped, "t", Console(file=StringIO(), width=120))
    status = sweep_status(stopped.spec.storage, stopped.spec.name)
    shown = text_of(_waiting_table(status))
    assert note in text_of(live._picture(as_shown(attempts), attempts))
    assert note in shown
    assert "0.7500" in shown
    page = leaderboard(a_sweep(as_shown(attempts)))
    assert note in page
    (waiting,) = status.as_dict()["waiting"]
    assert (waiting["earlier"], waiting["objective"]) == ([2, 1], 0.75)
    row = TrialRow("s", status.trials[-1])
    assert as_plain(row, ["objective"])["earlier"] == [2, 1]
    assert row.values["earlier"] == "2 1"


def test_one_that_was_never_evaluated_has_a_dash_while_it_waits(tmp_path: Path) -> None:
    study = Study(make_spec(tmp_path))
    asked = study.ask("w")
    assert asked is not None
    study.put_back(asked.number)
    shown = text_of(_waiting_table(sweep_status(study.spec.storage, study.spec.name)))
    assert "0%" not in shown


def numbers_of(notes: Sequence[str]) -> list[str]:
    return [note.partition(":")[0] for note in notes]


def test_many_numbers_are_counted() -> None:
    trials = [a_trial(10 + at, attrs={EARLIER: [at]}) for at in range(8)]
    assert numbers_of(number_notes(trials, trials)) == ["8 of these trials had earlier numbers"]


def test_numbers_of_trials_that_were_given_up_are_told() -> None:
    """A rerun keeps its name, so none of it is missing."""
    repeated = a_trial(1, TrialState.failed, kind=REPEATED)
    rerun: TrialRecord = a_trial(2, attrs={EARLIER: [0], "name": "t00 seed 1"})
    assert numbers_of(number_notes([rerun], [repeated, rerun])) == ["1"]
