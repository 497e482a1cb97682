"""Results of a trial that was tried again lie in its own folder, wherever the attempt before had written."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from slimtune.training.checkpoints import continued
from slimtune.training.checkpoints.continued import STEPS, continued_in, note_continued, taken_over
from slimtune.training.checkpoints.find import checkpoint_in
from slimtune.training.checkpoints.kinds import RECORD
from slimtune.training.checkpoints.training_state import STATE_PREFIX
from slimtune.training.errors import ModelError
from slimtune.training.trial import Completed
from slimtune.training.worker.run import run_trial
from tests.training.checkpoints.test_training_state import EVERY_STEP, KilledError, MortalTrial, killed

ConfigOf = Callable[..., dict[str, Any]]
# nothing is learned, so that the first evaluation stays the best one
FIRST_IS_BEST = (
    *EVERY_STEP,
    "fit.learning_rate=1e-9",
    "fit.patience=99",
    "fit.eval_every=null",
    "fit.eval_steps=4",
    "fit.save_steps=4",
)


def a_checkpoint(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / RECORD).write_text("{}")
    return folder


def gone_on(values: Mapping[str, Any], folder: Path, *earlier: Path) -> Completed:
    outcome = run_trial(MortalTrial(values, folder).after(*earlier))
    assert isinstance(outcome, Completed), outcome
    return outcome


def test_the_best_checkpoint_of_an_attempt_comes_into_the_trials_folder(config_of: ConfigOf, tmp_path: Path) -> None:
    """As if the trial had been there from its beginning; of the attempt its config stays, and where it went on."""
    values = config_of(*FIRST_IS_BEST)
    first = killed(values, tmp_path / "0")
    (best,) = first.glob(f"checkpoint-*/{RECORD}")
    record, kept = best.read_bytes(), {path.name for path in (first / STEPS).iterdir()}
    outcome = gone_on(values, tmp_path / "1", first)
    assert outcome.checkpoint == checkpoint_in(tmp_path / "1") == tmp_path / "1" / best.parent.name
    assert (outcome.checkpoint / RECORD).read_bytes() == record
    assert kept < {path.name for path in (tmp_path / "1" / STEPS).iterdir()}
    assert not list(first.rglob(RECORD))
    assert (first / "config.yaml").is_file()
    with pytest.raises(ModelError, match=r"its trial was interrupted and went on in .*/1; give that folder"):
        checkpoint_in(first)


def test_an_attempt_that_is_killed_once_more_leaves_what_the_next_one_needs(
    config_of: ConfigOf, tmp_path: Path
) -> None:
    """Before it has saved a state of its own, and after it."""
    values = config_of(*FIRST_IS_BEST)
    first = killed(values, tmp_path / "0")
    # the reports until there are made again: no step was made
    at_once = killed_after(values, tmp_path / "1", first, dies_at=1)
    assert not list(at_once.glob(f"{STATE_PREFIX}*"))
    later = killed_after(values, tmp_path / "2", at_once, first, dies_at=5)
    outcome = gone_on(values, tmp_path / "3", later, at_once, first)
    assert outcome.checkpoint.parent == tmp_path / "3"
    assert {path.parent.parent.name for path in tmp_path.glob(f"*/checkpoint-*/{RECORD}")} == {"3"}
    assert {continued_in(place) for place in (first, at_once, later)} == {tmp_path / "3"}


def killed_after(values: dict[str, Any], folder: Path, *earlier: Path, dies_at: int) -> Path:
    with pytest.raises(KilledError):
        run_trial(MortalTrial(values, folder, dies_at=dies_at).after(*earlier))
    return folder


def test_where_it_cannot_be_written_it_stays_with_the_attempt(
    config_of: ConfigOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    values = config_of(*FIRST_IS_BEST)
    first = killed(values, tmp_path / "0")

    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(continued, "_linked", full)
    outcome = gone_on(values, tmp_path / "1", first)
    assert outcome.checkpoint == checkpoint_in(first)
    assert any("checkpoints stay in the folder of the attempt before" in message for message in caplog.messages)


def test_files_are_copied_where_they_cannot_have_two_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", refuse)
    own = taken_over(a_checkpoint(tmp_path / "0" / "checkpoint-8"), tmp_path / "1")
    assert own == tmp_path / "1" / "checkpoint-8"
    assert (own / RECORD).read_text() == "{}"


def test_a_note_holds_after_the_project_was_moved(tmp_path: Path) -> None:
    """And not after the folder that it names has gone; a trial that begins anew in a folder takes its note away."""
    for name in ("0", "1"):
        (tmp_path / "here" / name).mkdir(parents=True)
    note_continued([tmp_path / "here" / "0"], tmp_path / "here" / "1")
    (tmp_path / "here").rename(tmp_path / "there")
    assert continued_in(tmp_path / "there" / "0") == tmp_path / "there" / "1"
    (tmp_path / "there" / "1").rmdir()
    assert continued_in(tmp_path / "there" / "0") is None
    note_continued([], tmp_path / "there" / "0")
    assert not list((tmp_path / "there" / "0").iterdir())
