"""Config files of a user's own, read by a command."""

from pathlib import Path

import pytest

from slimtune.sweeper.cli import main

BEGIN = "# @package _global_\n"


@pytest.mark.parametrize("command", ["sweep", "train"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fit:\n\tepochs: 3\n", "mine.yaml, line 3: no YAML that can be read: a tab stands where blanks belong"),
        (
            "fit: {epochs: 3}\nfit: {epochs: 4}\n",
            "mine.yaml, line 3: no YAML that can be read: found duplicate key",
        ),
        ("fit: {epochs: ${fit.seed}}\n", "a value such as ${fit.epochs} takes quotes inside of braces"),
        (
            "fit: {epochs: '${fit.epoch}'}\n",
            "fit.epochs is ${fit.epoch}, and there is no key 'fit.epoch'",
        ),
        (
            "space: {fit: {learning_rate: [1, 2]}}\n",
            "'experiment/mine': a list stands where values by name belong",
        ),
        ("defaults:\n  - override /method: loar\n", "Could not find 'method/loar'; did you mean 'lora'? known: "),
        ("defaults:\n  - method: lora\n", "a group begins with a slash: /method: lora"),
        ("data: {name: café}\n", "a config file is no text in UTF-8, after 'data: {name: caf'; save it in UTF-8"),
        ("fit: 3\n", "1 problem in the config:\n  - fit is 3; choose an option with fit=..., or set keys of it\n"),
        ("data: 3\n", "data is 3; choose an option with data=..., or set keys of it\n"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, text: str, said: str
) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text(BEGIN + text, encoding="latin-1")
    given = [f"hydra.searchpath=[file://{tmp_path}]", "experiment=mine", f"data.train_file={tmp_path / 'rows.csv'}"]
    (tmp_path / "rows.csv").write_text("text,label\n")
    assert main([command, *given]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["fit.epochs=1,2"], "fit.epochs=1,2 is a search, and here one config is asked for; give one value, or use"),
        (["method=lora,full"], "method=lora,full is a search"),
        (["fit.epochs=int(interval(1,3))", "fit.nothing=1"], "fit.nothing is not a key"),
        (["+experiment=tone"], "experiment is chosen already; leave the + out"),
        (["experiment=conf/experiment/mine.yaml"], "write --config-dir conf experiment=mine"),
        (["experiment=mine.yaml"], "for a file of your own, write --config mine.yaml"),
    ],
)
def test_what_is_no_trial_is_told(given: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "data.train_file=absent.csv", *given]) == 2
    assert said in capsys.readouterr().err
