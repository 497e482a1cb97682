from pathlib import Path

import pytest

from slimtune.sweeper.hydra_app.flag_problems import (
    config_dir,
    flag_problems,
    flags_first,
    only_shows,
    overrides_of,
    settled_flags,
)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--fit.epochs=3"], "--fit.epochs=3 is no flag; a value is set without dashes, fit.epochs=3"),
        (["--fit.epochs", "3"], "--fit.epochs is no flag; a value is set without dashes, fit.epochs=3"),
        (["--fit.epochs", "data=file"], "--fit.epochs is no flag; a value is set without dashes, fit.epochs=..."),
        (["--learning_rate", "1e-4"], "a value is set without dashes, fit.learning_rate=1e-4"),
        (["--learning-rate=1e-4"], "a value is set without dashes, fit.learning_rate=1e-4"),
        (["--lora_rank", "8"], "a value is set without dashes, method.r=8"),
        (["--base_model", "a/b"], "a value is set without dashes, model.name_or_path=a/b"),
        (["--adapter", "lora"], "a value is set without dashes, method=lora"),
        (["--seed", "3"], "a value is set without dashes, data.seed=3 or fit.seed=3 or model.seed=3 or search.seed=3"),
        (["-x"], "-x is no flag, and no key is called so; slimtune sweep --help shows the flags"),
        (["--verbose"], "--verbose is no flag, and no key is called so; slimtune sweep --help shows the flags"),
        (["--dry-run"], "--dry-run is no flag; slimtune check, with the same arguments, tries what a sweep"),
        (["--check"], "--check is no flag; slimtune check, with the same arguments, tries what a sweep"),
        (["--validate=true"], "--validate=true is no flag; slimtune check, with the same arguments, tries"),
        (["--fit.epocs=3"], "--fit.epocs=3 is no flag; a value is set without dashes, fit.epochs=3"),
        (["--fit.nosuch=3"], "--fit.nosuch=3 is no flag, and no key is called so; known: fit.augment, fit.batch_size"),
        (["--nosuch.key=3"], "--nosuch.key=3 is no flag, and no key is called so; the groups are data, "),
        (["--experiment", "tone"], "--experiment is no flag; a value is set without dashes, experiment=tone"),
        (["--experiment=tone"], "--experiment=tone is no flag; a value is set without dashes, experiment=tone"),
        (["--r", "8"], "--r is no flag; a value is set without dashes, method.r=8"),
        (["--experimental-rerun", "config.pickle"], "--experimental-rerun unpickles a file, which may run any code"),
        (["--preset", "tiny"], "--preset is no flag; a value is set without dashes, preset=tiny"),
        (["--resume", "tone"], "--resume is no flag; slimtune resume is a command of its own"),
        (["--export.variants=[fp16]"], "a value is set without dashes, export.variants=[fp16]"),
        (["--cfgg", "job"], "--cfgg is no flag; did you mean --cfg?"),
        (["--confg", "my.yaml"], "--confg is no flag; did you mean --config?"),
        (["--run"], "--run is no flag of slimtune; one trial is run by slimtune train"),
        (["--config-dir", "/nosuch"], "--config-dir is /nosuch, which is no folder"),
    ],
)
def test_a_flag_that_hydra_does_not_have_is_told(given: list[str], said: str) -> None:
    (told,) = flag_problems(given, sweep=True)
    assert told.removeprefix(f"{given[0]} is no flag; ").startswith(said.removeprefix(f"{given[0]} is no flag; "))


def test_flags_that_hydra_cannot_follow_are_told() -> None:
    """It would raise, or print what completes another command."""
    (told,) = flag_problems(["--run", "--multirun"], sweep=False)
    assert told == "--run is one trial and --multirun a search; give one of them"
    (told,) = flag_problems(["--shell-completion", "install=bash"], sweep=True)
    assert told.endswith("slimtune completion bash, zsh or fish completes slimtune")


def test_hydras_own_flags_are_none(tmp_path: Path) -> None:
    assert flag_problems(["--cfg", "job", "--config-dir", str(tmp_path), "-r"], sweep=False) == []


def test_overrides_on_both_sides_of_a_flag_are_read() -> None:
    given = ["a=1", "--config-dir", "conf", "b=2", "~c"]
    assert overrides_of(given) == ["a=1", "b=2", "~c"]
    assert flags_first(given) == ["--config-dir", "conf", "a=1", "b=2", "~c"]
    assert config_dir(given) == "conf"


def test_a_flag_may_ask_for_no_run() -> None:
    assert only_shows(["--cfg", "job"])
    assert only_shows(["--info"])
    assert not only_shows(["--config-dir", "conf", "a=1"])


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--cfg", "jb"], "--cfg is 'jb'; did you mean 'job'?"),
        (["-c", "jb"], "--cfg is 'jb'; did you mean 'job'?"),
        (["--cfg=xyz"], "--cfg is 'xyz'; known: all, hydra, job"),
        (["--cfg"], "--cfg lacks its value; write --cfg job or hydra or all"),
        (["--config-dir"], "--config-dir lacks its value; write --config-dir ..."),
        (["--info", "confg"], "--info is 'confg'; did you mean 'config'?"),
        (["--resolve=3"], "--resolve takes no value"),
        (["--resolve"], "--resolve is of a config that is shown; add --cfg job"),
        (["--package", "fit"], "--package is of a config that is shown; add --cfg job"),
        (["--mult"], "--mult is no flag; did you mean --multirun?"),
    ],
)
def test_a_wrong_value_of_a_flag_is_one_sentence(flags: list[str], said: str) -> None:
    """Where argparse would print how Hydra is used, and exit."""
    (found,) = flag_problems(["fit.epochs=3", *flags], sweep=True)
    assert found.startswith(said)


def test_flags_of_a_run_are_left_out_where_the_config_is_only_shown() -> None:
    """Hydra refuses them together; and a bare `--info` takes no word that stands behind it."""
    assert settled_flags(["-m", "--cfg", "job", "fit.epochs=1,2"]) == ["--cfg", "job", "fit.epochs=1,2"]
    assert settled_flags(["--multirun", "--info", "experiment=tone"]) == ["--info=all", "experiment=tone"]
    assert settled_flags(["-i", "config", "a=1"]) == ["-i", "config", "a=1"]
    assert settled_flags(["--config-dir", "x", "-m"]) == ["--config-dir", "x", "-m"]
    (told,) = flag_problems(["--cfg", "job", "--info=all"], sweep=True)
    assert told == "--cfg shows the config and --info what is known of it; give one of them"
