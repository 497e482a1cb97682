"""What `--help` says of the commands that compose a config."""

import os
import sys

import pytest

from slimtune.sweeper.cli import main


@pytest.mark.parametrize("command", ["sweep", "check", "train"])
def test_a_help_page_is_broken_between_words(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a terminal that is narrower than its lines; the words stay the same."""
    assert main([command, "--help"]) == 0
    whole = capsys.readouterr().out
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((80, 24)))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main([command, "--help"]) == 0
    broken = capsys.readouterr().out
    assert max(map(len, whole.splitlines())) > 80
    assert max(map(len, broken.splitlines())) <= 80
    assert broken.split() == whole.split()
