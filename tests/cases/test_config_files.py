"""A key of a config file is read, or told."""

import subprocess
import sys
from pathlib import Path

import pytest

from slimtune.sweeper.cli import main

BEGIN = "# @package _global_\n"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> object:
    """Runs a command with an experiment file of these lines; what it said."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf" / "experiment").mkdir(parents=True)

    def command(word: str, text: str, *more: str) -> tuple[int, str]:
        (tmp_path / "conf" / "experiment" / "mine.yaml").write_text(text)
        given = [f"hydra.searchpath=[file://{tmp_path / 'conf'}]", "experiment=mine", "data.train_file=absent.jsonl"]
        code = main([word, *given, *more])
        return code, capsys.readouterr().err

    return command


@pytest.mark.parametrize("word", ["sweep", "train"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            BEGIN + "search_strategy: {type: random, num_trials: 20}\n",
            "search_strategy is not a key of the config; put it into a file of its own",
        ),
        (
            BEGIN + "search_space:\n  learning_rate: {type: float, low: 1e-6, high: 1e-3, log: true}\n",
            "search_space is not a key of the config; put it into a file of its own",
        ),
        (BEGIN + "modle: {name_or_path: here}\n", "modle is not a key of the config; did you mean 'model'?"),
        (BEGIN + "learning_rate: 1e-3\n", "learning_rate is not a key of the config"),
        ("fit:\n  epochs: 3\n", "experiment is not a key of the config; begin the file with the line '# @package"),
    ],
)
def test_s15_an_unknown_key_at_the_top_of_a_file_is_named(run, word: str, text: str, said: str) -> None:  # type: ignore[no-untyped-def]
    code, error = run(word, text)
    assert code == 2
    assert said in error
    assert "Traceback" not in error


@pytest.mark.parametrize("word", ["sweep", "train"])
@pytest.mark.parametrize("text", ["rate: 1e-3\nfit: {learning_rate: '${rate}'}\n", "fit: {epochs: 3}\n"])
def test_s15_a_key_that_others_are_taken_from_is_read(run, word: str, text: str) -> None:  # type: ignore[no-untyped-def]
    """The next thing that is wrong is the file of the rows."""
    code, error = run(word, BEGIN + text)
    assert code == 2
    assert error.startswith("slimtune: absent.jsonl: no such file")


def test_s15_unknown_keys_of_a_section_were_told_before(run) -> None:  # type: ignore[no-untyped-def]
    code, error = run("sweep", BEGIN + "fit: {epoch: 3}\nspace: {fit: {epochs: 3}}\n")
    assert code == 2
    assert "fit.epoch is not a key; did you mean 'epochs'?" in error
    assert "space.fit.epochs is 3; use a dimension" in error


# apps of others

APP = """
import hydra
from slimtune import current_trial

@hydra.main(version_base=None, config_path=".", config_name="app")
def main(config):
    return (config.x - 0.3) ** 2

main()
"""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["x=interval(0,1)"], "hydra.sweeper.search.direction is missing: minimize or maximize"),
        (["y=1,2", "hydra.sweeper.search.direction=minimize"], "y is not a key of the config"),
        (["x=1", "hydra.sweeper.search.direction=minimize"], "nothing is searched"),
    ],
)
def test_t6_an_app_of_ones_own_is_told_what_is_missing(tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "app.yaml").write_text(
        "defaults:\n  - _self_\n  - override hydra/sweeper: slimtune\nx: 0\nfolder: ${hydra:runtime.output_dir}\n"
    )
    command = [sys.executable, "app.py", "-m", *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert said in done.stderr or (said == "y is not a key of the config" and "Key 'y' is not in struct" in done.stderr)
    assert "Traceback" not in done.stderr
    assert done.returncode in (1, 2)


# any value where another one belongs


@pytest.mark.parametrize("word", ["sweep", "train"])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("fit=1", "fit=1 is not an option; known: default, memory, regularized, speed"),
        ("method=null", "method=None is not an option"),
        ("++hydra.sweeper.space=3", None),
        ("++fit=[1]", None),
        ("search.name='${fit}'", "search.name is {'learning_rate'"),
        ("~data.name", "search.name is ${data.name}, and there is no key 'data.name'"),
        ("=nan", "=nan has no key before its ="),
    ],
)
def test_what_hydra_did_not_think_of_is_told(  # type: ignore[no-untyped-def]
    run, tmp_path: Path, word: str, given: str, said: str | None
) -> None:
    """With nothing written."""
    code, error = run(word, BEGIN, given)
    assert code == 2
    assert said is None or said in error
    assert "Traceback" not in error
    assert [path.name for path in tmp_path.iterdir()] in (["conf"], ["conf", "outputs"], ["outputs", "conf"])
    assert said is None or [path.name for path in tmp_path.iterdir()] == ["conf"]


@pytest.mark.parametrize("given", ["method=1,2", "tracking=null,none", "fit=[a],[b]"])
def test_s10_an_option_that_is_none_is_told(run, given: str) -> None:  # type: ignore[no-untyped-def]
    code, error = run("sweep", BEGIN, given)
    assert code == 2
    assert "Traceback" not in error
