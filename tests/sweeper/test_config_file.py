"""A config file that is named by its path."""

from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_module

from slimtune.sweeper.campaigns.recorded_command import read_command, record_command
from slimtune.sweeper.cli import main
from slimtune.sweeper.config_file import as_given, with_config_file
from slimtune.sweeper.space.dimension import FloatRange
from slimtune.training.errors import ConfigError, Problems
from tests.cases.sweep_requests import RequestOf, request_of

__all__ = ["request_of"]
pytestmark = pytest.mark.usefixtures("config_store_as_before")

MINE = """
defaults:
  - override /task: generation
  - override /method: full
fit:
  epochs: 7
data:
  train_file: pairs.json
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "my pairs.v2.yaml"
    path.write_text(MINE)
    return path


def composed(*arguments: str) -> Any:
    with initialize_config_module("slimtune.conf", version_base="1.3"):
        return compose("config", with_config_file(arguments))


def test_a_file_chooses_options_and_sets_values_and_the_command_line_has_the_last_word(mine: Path) -> None:
    config = composed("--config", str(mine), "data.train_file=others.json")
    assert (config.task.name, config.fit.epochs, config.data.train_file) == ("generation", 7, "others.json")
    assert "r" not in config.method


def test_a_file_that_is_called_as_an_experiment_that_ships_is_not_that_one(tmp_path: Path) -> None:
    (tmp_path / "tone.yaml").write_text("fit: {epochs: 9}")
    config = composed(f"--config={tmp_path / 'tone.yaml'}")
    assert (config.fit.epochs, config.data.name) == (9, "file")


def test_a_file_builds_on_an_experiment_that_ships(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("defaults: [tone, _self_]\nfit: {epochs: 9}")
    config = composed("--config", str(tmp_path / "own.yaml"))
    assert (config.fit.epochs, config.data.name, config.search.rerun_seeds) == (9, "tone", 1)


def test_an_experiment_file_with_a_header_is_read_alike(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(f"# @package _global_\n{MINE}")
    assert composed("--config", str(tmp_path / "own.yaml")).fit.epochs == 7


@pytest.mark.parametrize(
    ("words", "text", "told"),
    [
        (["--config", "nosuch.yaml"], "", "which is no file"),
        (["--config"], "", "takes one file"),
        (["--config", "fit.epochs=1"], "", "takes one file"),
        (["--config", "a.yaml", "--config=a.yaml"], "fit: {epochs: 1}", "takes one file"),
        (["--config", "a.yaml", "experiment=tone"], "fit: {epochs: 1}", "leave one of them out"),
        (["--config", "a.yaml"], "task: generation", "'- override /task: generation'"),
        (["--config", "a.yaml"], "- a\n- b", "holds no sections"),
    ],
)
def test_what_is_no_file_of_configs_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], text: str, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text(text)
    with pytest.raises(ConfigError, match="problem") as raised:
        with_config_file(words)
    assert told in str(raised.value)


@pytest.mark.parametrize("command", ["sweep", "train", "check"])
def test_problems_of_a_file_are_those_of_a_config(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of overrides, all at once, by every command that composes; broken YAML by its line."""
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text("fit:\n  epoch: 1\n  batch_size: many\nfoo: 3\n")
    Path("b.yaml").write_text("fit:\n\tepochs: 1\n")
    assert main([command, "--config", "a.yaml"]) == 2
    told = capsys.readouterr().err
    assert "foo is not a key" in told
    assert "did you mean 'epochs'" in told
    assert main([command, "--config=b.yaml"]) == 2
    assert "b.yaml, line 2" in capsys.readouterr().err


def test_the_command_is_kept_with_the_file_and_not_with_its_option(mine: Path, request_of: RequestOf) -> None:
    request = request_of(*with_config_file(["--config", str(mine), "task=classification", "method=lora"]))
    record_command(request)
    kept = read_command(request.folder).overrides
    assert f"--config={mine}" in kept
    assert not any(word.startswith("experiment=") for word in kept)
    assert as_given("experiment=tone") == "experiment=tone"


def test_a_file_that_moved_with_its_project_is_taken_from_there(mine: Path, request_of: RequestOf) -> None:
    request = request_of(*with_config_file(["--config", str(mine), "task=classification", "method=lora"]))
    record_command(request)
    moved = mine.parent / "moved"
    moved.mkdir()
    (moved / mine.name).write_text(MINE)
    command = read_command(request.folder)._replace(cwd=str(mine.parent))
    assert f"--config={moved / mine.name}" in command.rebased(moved).overrides


@pytest.mark.parametrize(
    ("text", "more", "searched"),
    [
        ("", (), {"fit.learning_rate", "fit.batch_size", "method.r"}),
        ("fit: {learning_rate: 3e-3}", (), {"fit.batch_size", "method.r"}),
        ("fit: {learning_rate: 3e-3, batch_size: 8}", (), {"method.r"}),
        # the command line has the last word, and so has a range of the file's own
        ("fit: {learning_rate: 3e-3}", ("fit.learning_rate=1e-4,1e-3",), {"fit.learning_rate", "fit.batch_size"}),
        (
            "fit: {learning_rate: 3e-3}\nspace: {fit: {learning_rate: {type: float, low: 1e-3, high: 1e-2}}}",
            (),
            {"fit.learning_rate", "fit.batch_size", "method.r"},
        ),
    ],
)
def test_a_key_that_a_file_sets_is_not_searched(
    text: str, more: tuple[str, ...], searched: set[str], tmp_path: Path, request_of: RequestOf
) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(text or "search: {name: own}")
    request = request_of(*with_config_file(["--config", str(path), *more]))
    assert {step.name for step in request.space.every_step()} >= searched
    if not more:
        assert {step.name for step in request.space.every_step()} == searched


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("fit: {learning_rate: {type: float, low: 1e-5, high: 1e-4}}", "fit.learning_rate"),
        ("fit: {batch_size: {values: [4, 8]}}", "fit.batch_size"),
        ("method: {r: {min: 4, max: 8}}", "method.r"),
        ("method: {r: 'int(interval(4,8))'}", "method.r"),
    ],
)
def test_a_range_at_its_key_is_refused_and_not_searched_as_usual(
    written: str, key: str, request_of: RequestOf, tmp_path: Path
) -> None:
    """These keys are searched by default: what stands there would be written over by what is sampled."""
    (tmp_path / "own.yaml").write_text(f"defaults: [tone, _self_]\n{written}")
    with pytest.raises(Problems) as refused:
        request_of(*with_config_file(["--config", str(tmp_path / "own.yaml")]))
    (problem,) = [one for one in refused.value.problems if one.startswith(f"{key} is ")]
    levels = ": {".join(key.split("."))
    assert f"space: {{{levels}: {{type:" in problem


def test_a_range_as_it_is_told_is_searched(request_of: RequestOf, tmp_path: Path) -> None:
    told = "space: {fit: {learning_rate: {type: float, low: 1e-05, high: 0.0001, log: true}}}"
    (tmp_path / "own.yaml").write_text(f"defaults: [tone, _self_]\n{told}")
    space = request_of(*with_config_file(["--config", str(tmp_path / "own.yaml")])).space
    (rate,) = [step.dimension for step in space.every_step() if step.key == "fit.learning_rate"]
    assert rate == FloatRange(1e-5, 1e-4, log=True)


@pytest.mark.parametrize("entry", ["/config", "config"])
def test_a_file_does_not_take_the_whole_config_again(entry: str, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(f"defaults: [{entry}, _self_]\nfit: {{epochs: 9}}")
    with pytest.raises(ConfigError, match=r"in its defaults; leave it out"):
        with_config_file(["--config", str(tmp_path / "own.yaml")])


def test_a_key_with_dots_is_told_as_levels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own.yaml").write_text("fit.learning_rate: 1e-4")
    assert main(["check", "--config", str(tmp_path / "own.yaml"), "experiment=tone"][:3]) == 2
    assert "a file has keys one below the other: fit: {learning_rate: ...}" in capsys.readouterr().err


def test_a_range_in_a_folder_of_configs_is_refused_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "experiment").mkdir()
    written = "# @package _global_\ndefaults: [tone, _self_]\nmethod: {r: {min: 4, max: 8}}"
    (tmp_path / "experiment" / "mine.yaml").write_text(written)
    assert main(["check", "--config-dir", str(tmp_path), "experiment=mine"]) == 2
    assert "method.r is {'min': 4, 'max': 8}; use a whole number" in capsys.readouterr().err
