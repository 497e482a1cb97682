import argparse
import subprocess
import sys
from pathlib import Path

import pytest
from hydra._internal import utils

from slimtune.sweeper.hydra_parser import hydra_parser, mend_hydra_parser

APP = """
import argparse

add = argparse.ArgumentParser.add_argument

def add_argument(parser, *names, **words):
    action = add(parser, *names, **words)
    parser._check_help(action)
    return action

def check_help(parser, action):
    assert "%" not in (action.help or "")

argparse.ArgumentParser.add_argument, argparse.ArgumentParser._check_help = add_argument, check_help
{imported}
import hydra

@hydra.main(version_base="1.3", config_path=None)
def main(config):
    print("x is", config.x)

main()
"""


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """argparse as it is from Python 3.14 on, in any Python; and Hydra as it is installed."""
    add = argparse.ArgumentParser.add_argument

    def check_help(parser: argparse.ArgumentParser, action: argparse.Action) -> None:
        assert "%" not in (action.help or "")

    def add_argument(parser: argparse.ArgumentParser, *names: str, **words: object) -> argparse.Action:
        action = add(parser, *names, **words)  # type: ignore[arg-type]
        parser._check_help(action)  # type: ignore[attr-defined]
        return action

    monkeypatch.setattr(argparse.ArgumentParser, "_check_help", check_help, raising=False)
    monkeypatch.setattr(argparse.ArgumentParser, "add_argument", add_argument)
    monkeypatch.setattr(utils, "argparse", argparse)


@pytest.mark.usefixtures("checked")
def test_hydras_parser_is_made_where_python_reads_helps_early() -> None:
    """Its flags are there, and so is the help that was not read."""
    with pytest.raises((TypeError, ValueError)):
        utils.get_args_parser()
    found = hydra_parser()
    assert found.parse_args(["--cfg", "job", "x=1"]).overrides == ["x=1"]
    (completion,) = [action for action in found._actions if action.dest == "shell_completion"]
    assert not isinstance(completion.help, str)


@pytest.mark.usefixtures("checked")
def test_other_parsers_read_helps_as_before() -> None:
    mend_hydra_parser()
    with pytest.raises((AssertionError, ValueError)):
        argparse.ArgumentParser().add_argument("--share", help="in %, a sign of formats")


@pytest.mark.parametrize("imported", ["from slimtune import current_trial", "from slimtune.sweeper import TrialPruned"])
def test_an_app_of_ones_own_begins_with_a_name_of_ours(imported: str, tmp_path: Path) -> None:
    """Whichever name it takes of slimtune."""
    done = subprocess.run(
        [sys.executable, "-c", APP.format(imported=imported), "+x=1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("x is 1\n", 0), done.stderr
