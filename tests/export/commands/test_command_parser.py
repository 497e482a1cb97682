"""A flag that a command has not is told with the one that may be meant."""

import argparse

import pytest

from slimtune.export.commands.command_parser import CommandParser
from slimtune.sweeper.cli import main
from slimtune.sweeper.command_table import COMMANDS, COMPOSING, parser_of
from slimtune.training.errors import UserError


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("init --modle own", "--modle is no flag of slimtune init; did you mean --model?"),
        ("init --label_colum x", "--label_colum is no flag of slimtune init; did you mean --label-column?"),
        # a required one is missing too, because it is misspelt
        ("predict --modl=own --text a", "--modl is no flag of slimtune predict; did you mean --model?"),
        ("doctor --zzz", "--zzz is no flag of slimtune doctor; known: --help"),
        ("review make tone --tpo 3", "--tpo is no flag of slimtune review; did you mean --top?"),
        ("review read tone --top 3", "--top is no flag of slimtune review read; known: --help, --outputs"),
        ("promote tone --promotion.min_gain 0.1", "a value is set without dashes, promotion.min_gain=0.1"),
        ("export --run x --out y --export.target=cpu", "a value is set without dashes, export.target=cpu"),
        ("resume tone --search.num_workers 2", "a value is set without dashes, search.num_workers=2"),
    ],
)
def test_an_unknown_flag_is_told(words: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In one sentence, as bad input."""
    assert main(words.split()) == 2
    found = capsys.readouterr()
    assert (found.out, told in found.err, found.err.count("\n")) == ("", True, 1), found.err


@pytest.mark.parametrize("word", [word for word in COMMANDS if word not in COMPOSING])
def test_every_command_tells_them(word: str) -> None:
    """Those that compose a config have Hydra's flags, and tell them themselves."""
    parser = parser_of(word)
    assert isinstance(parser, CommandParser)
    with pytest.raises(UserError, match="--no-such-flag is no flag of slimtune"):
        parser.parse_known_args(["--no-such-flag"])


def test_what_is_no_flag_is_left_to_argparse() -> None:
    """Beginnings of flags, numbers, texts with a space, and all behind two dashes."""
    parser = CommandParser(prog="slimtune x")
    parser.add_argument("--text")
    parser.add_argument("words", nargs="*")
    assert parser.parse_args(["--te", "-- no", "-1"]) == argparse.Namespace(text="-- no", words=["-1"])
    assert parser.parse_args(["--", "--other"]) == argparse.Namespace(text=None, words=["--other"])
