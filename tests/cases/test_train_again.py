"""`slimtune train` into a folder in which a trial lies already: nothing of it is replaced without a word."""

import json
from pathlib import Path
from typing import Any

import pytest

from slimtune.sweeper.campaigns.single_trial import SingleTrial
from slimtune.sweeper.cli import main
from slimtune.training.checkpoints.attempt import Stop, attempted
from slimtune.training.errors import StoreError
from tests.conftest import make_rows, write_jsonl


def checkpoints(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.glob("checkpoint-*/*")}


@pytest.fixture
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def rows_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of these tests changes it."""
    return write_jsonl(tmp_path_factory.mktemp("own") / "rows.jsonl", make_rows(120))


@pytest.fixture
def trained(in_folder: Path, overrides: list[str]) -> list[str]:
    """The command of a trial that has ended in `run`."""
    command = ["train", *overrides, "hydra.run.dir=run"]
    assert main(command) == 0
    assert checkpoints(in_folder / "run")
    return command


def test_the_same_command_tells_the_result_again(
    trained: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = checkpoints(tmp_path / "run")
    # where it runs changes no result
    assert main([*trained, "fit.threads=2"]) == 0
    again = capsys.readouterr().out
    assert "nothing is left to train" in " ".join(again.split())
    objective = json.loads((tmp_path / "run/result.json").read_text())["scores"]["objective"]
    assert f"best: objective {objective:.4f}" in again
    assert " rows  loss" not in again
    assert checkpoints(tmp_path / "run") == before


@pytest.mark.parametrize("flags", [[], ["--config-dir", "."]])
def test_another_config_is_refused_with_the_key_that_differs(
    trained: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str]
) -> None:
    before = checkpoints(tmp_path / "run")
    assert main([*trained, "fit.epochs=3", *flags]) == 2
    said = capsys.readouterr().err
    assert "fit.epochs: 2 -> 3" in said
    assert "hydra.run.dir" in said
    assert checkpoints(tmp_path / "run") == before


def test_other_rows_in_the_same_file_are_refused(
    trained: list[str], tmp_path: Path, rows_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = checkpoints(tmp_path / "run")
    rows = rows_file.read_text(encoding="utf-8").splitlines(keepends=True)
    rows_file.write_text("".join(rows[:-6]), encoding="utf-8")
    assert main(trained) == 2
    assert "the rows of the data: others" in capsys.readouterr().err
    assert checkpoints(tmp_path / "run") == before


def test_a_checkpoint_without_a_result_is_not_replaced(
    trained: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As one of a trial that diverged later, or of a sweep's."""
    (tmp_path / "run" / "result.json").unlink()
    assert main(trained) == 2
    assert "did not complete" in capsys.readouterr().err


@pytest.mark.parametrize("flags", [[], ["--config-dir", "."]])
def test_an_interrupted_trial_goes_on_in_its_folder_and_says_where(
    tmp_path: Path,
    overrides: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
) -> None:
    """Its evaluations are printed once; another config is not trained over its state."""
    monkeypatch.chdir(tmp_path)
    command = ["train", *overrides, "fit.eval_every=0.5", *flags]
    report = SingleTrial.report

    def stopped(self: SingleTrial, examples_seen: int, given: Any) -> Any:
        verdict = report(self, examples_seen, given)
        self.stop.signal = 15
        return verdict

    with monkeypatch.context() as patched:
        patched.setattr(SingleTrial, "report", stopped)
        with pytest.raises(SystemExit):
            main(command)
    first = capsys.readouterr().out
    (folder,) = (tmp_path / "outputs/mine/train").iterdir()
    assert main([*command, f"hydra.run.dir={folder}", "fit.epochs=3"]) == 2
    assert "fit.epochs: 2 -> 3" in capsys.readouterr().err
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "goes on after " in said
    assert list((tmp_path / "outputs/mine/train").iterdir()) == [folder]
    shown = [line for line in first.splitlines() if " rows  loss" in line]
    assert len(shown) == 1
    assert shown[0] not in said


def test_a_second_process_in_a_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slimtune.training.checkpoints.attempt.LOOK_SECONDS", 0.0)
    with (
        attempted(tmp_path / "run", Stop()),
        pytest.raises(StoreError, match="another process trains in"),
        attempted(tmp_path / "run", Stop()),
    ):
        pass


@pytest.mark.parametrize(
    ("method", "told"), [("lora", "merge it into its base by peft"), ("adapters", "name the base")]
)
def test_a_checkpoint_of_its_own_is_known_as_a_base(
    overrides: list[str], in_folder: Path, capsys: pytest.CaptureFixture[str], method: str, told: str
) -> None:
    """By the trial's folder and by its own."""
    assert main(["train", *overrides, f"method={method}", "fit.max_steps=1", "hydra.run.dir=run"]) == 0
    (checkpoint,) = (in_folder / "run").glob("checkpoint-*")
    for folder in ("run", checkpoint):
        assert main(["train", *overrides, f"model.name_or_path={folder}", "hydra.run.dir=next"]) == 2
        said = capsys.readouterr().err
        assert "is a checkpoint of slimtune" in said
        assert told in said
