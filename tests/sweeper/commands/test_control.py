"""`slimtune stop` and `resume` on studies; nothing is trained."""

import json
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slimtune.sweeper.campaigns.recorded_command import FILE, RecordedCommand
from slimtune.sweeper.cli import main
from slimtune.sweeper.commands import resume
from slimtune.sweeper.reporting.sweep_status import SweepState, sweep_status
from slimtune.sweeper.search.stopping import check_stop
from slimtune.sweeper.study import Lease, Study
from slimtune.sweeper.study.liveness.launcher import Launcher
from slimtune.sweeper.study.record import BUDGET, ENDED
from slimtune.training.errors import SweepStopped, UserError


def state_of(study: Study) -> SweepState:
    return sweep_status(study.spec.storage, study.spec.name).state


def test_what_becomes_of_a_sweep(study: Study) -> None:
    assert state_of(study) is SweepState.interrupted
    with Launcher(study.roster) as own:
        own.begun()
        assert state_of(study) is SweepState.running
        study.roster.ask_to_stop("me@here", now=False)
        assert state_of(study) is SweepState.stopping
    assert state_of(study) is SweepState.stopped
    study.set_attr(ENDED, 4)
    assert state_of(study) is SweepState.ended
    # more trials are wanted
    study.set_attr(BUDGET, 6)
    with Launcher(study.roster) as own:
        own.begun()
    assert state_of(study) is SweepState.interrupted


def test_stop_waits_for_the_end_and_a_stopped_search_says_how_to_go_on(
    study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    study = Study(replace(study.spec, n_trials=4))
    with Launcher(study.roster) as own:
        own.begun()
        with Lease(study) as lease:
            asked = study.ask(lease.worker)
            assert asked is not None
            stopping = threading.Thread(target=main, args=(["stop", "mine"],))
            stopping.start()
            while not study.is_stopping():
                pass
            study.put_back(asked.number)
        with pytest.raises(
            SweepStopped, match=r"stopped by .*: 0 of 4 trials have ended, 1 waits with what it has saved.*resumes it"
        ):
            check_stop(study)
    stopping.join(10)
    assert "stopped: 0 of 4 trials have ended. To resume: slimtune resume mine" in capsys.readouterr().out


def test_what_is_not_running_is_not_stopped(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    """Nor is it by a wish that would meet whoever resumes it."""
    assert main(["stop", "mine"]) == 0
    assert "is not running (interrupted); nothing was stopped" in capsys.readouterr().out
    assert not study.is_stopping()


@pytest.mark.parametrize("word", ["status", "stop", "resume"])
def test_an_unknown_sweep_is_told_with_the_nearest_name(
    word: str, study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([word, "mime"]) == 2
    assert "did you mean 'mine'?" in capsys.readouterr().err


def write_command(study: Study, folder: Path, **changes: Any) -> None:
    own = {"cwd": str(folder.parents[1]), "folder": str(folder), "host": __import__("socket").gethostname()}
    command = RecordedCommand([], ["search.name=mine", "fit.epochs=2"], [], "search.n_trials", **own)
    (folder / FILE).write_text(json.dumps(command._replace(**changes)._asdict()))


def test_resume_gives_the_command_again(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where it was given; one of somebody else is shown first, and a secret is asked for."""
    from slimtune.sweeper.commands import sweep

    given: list[list[str]] = []
    monkeypatch.setattr(sweep, "run", lambda words: given.append(list(words)) or 0)
    folder = tmp_path / "outputs" / "mine"
    assert main(["resume", "mine"]) == 2
    assert "the command is not known" in capsys.readouterr().err
    write_command(study, folder)
    assert main(["resume", "mine", "--n-trials", "9", "search.num_workers=2"]) == 0
    assert given == [["search.name=mine", "fit.epochs=2", "search.num_workers=2", "search.n_trials=9"]]
    assert "slimtune sweep search.name=mine fit.epochs=2" in capsys.readouterr().out
    write_command(study, folder, host="elsewhere")
    assert main(["resume", "mine"]) == 2
    assert "add --trust: slimtune sweep search.name=mine" in capsys.readouterr().err
    assert main(["resume", "mine", "--trust"]) == 0
    write_command(study, folder, left_out=["db.password"])
    assert main(["resume", "mine"]) == 2
    assert "give it again: slimtune resume mine db.password=..." in capsys.readouterr().err
    assert main(["resume", "mine", "db.password=abc"]) == 0
    assert len(given) == 3


def test_a_sweep_that_was_copied_or_moved_goes_on_where_it_was_found(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a copy of the whole project, with the paths of that; a copy of the sweep's folder alone has no such place."""
    from slimtune.sweeper.commands import sweep

    given: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(sweep, "run", lambda words: given.append((str(Path.cwd()), list(words))) or 0)
    folder, copied = tmp_path / "outputs" / "mine", tmp_path / "copy" / "outputs" / "mine"
    write_command(study, folder)
    shutil.copytree(folder, copied)
    monkeypatch.chdir(tmp_path / "copy")
    assert main(["resume", "mine", "--trust"]) == 0
    assert given == [(str(tmp_path / "copy"), ["search.name=mine", "fit.epochs=2", f"hydra.sweep.dir='{copied}'"])]
    write_command(study, folder, overrides=["search.name=mine", f"tracking.uri=sqlite:///{tmp_path}/mlflow.db"])
    shutil.copy(folder / FILE, copied)
    assert main(["resume", "mine", "--trust"]) == 2
    assert f"{copied}, and its command writes to where it was before, {tmp_path}: tracking.uri=" in (
        capsys.readouterr().err
    )
    assert main(["resume", "mine", "--trust", "tracking.uri=null"]) == 0
    alone = tmp_path / "alone"
    write_command(study, folder)
    shutil.copytree(folder, alone)
    assert main(["resume", str(alone), "--trust"]) == 2
    assert f"the sweep in {alone} is a copy of the one in {folder}" in capsys.readouterr().err
    shutil.move(folder, tmp_path / "away")
    assert main(["resume", str(alone), "--trust"]) == 0
    assert given[-1] == (str(tmp_path), ["search.name=mine", "fit.epochs=2", f"hydra.sweep.dir='{alone}'"])


def test_a_flag_that_is_none_is_told() -> None:
    with pytest.raises(UserError, match="--n-trails is no flag of slimtune resume; did you mean --n-trials"):
        resume.run(["mine", "--n-trails", "3"])
