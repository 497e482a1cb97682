"""A flag that a command has not is told with the one that may be meant."""

import argparse
import re
from pathlib import Path
from typing import Any

import pytest

from slimtune.export.commands.command_parser import CommandParser
from slimtune.export.registry.mlflow_registry import put_name
from slimtune.sweeper.cli import main
from slimtune.sweeper.command_table import COMMANDS, COMPOSING, parser_of
from slimtune.training.errors import UserError
from slimtune.training.usual_places import STUDY_FILE


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
        ("export --run x --out y --variants [int8]", "without dashes: export.variants=[int8]"),
        ("promote tone --min-gain=0.1", "without dashes: promotion.min_gain=0.1"),
        ("resume tone --num-workers 2", "without dashes: search.num_workers=2"),
        ("resume tone --search.num_workers 2", "a value is set without dashes, search.num_workers=2"),
        ("resume tone --search.num_worker 2", "a value is set without dashes, search.num_workers=2"),
        (
            "promote tone --promotion.zzz 1",
            "is no flag of slimtune promote; no key is called so either, known: promotion.",
        ),
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


@pytest.mark.parametrize("word", ["status", "stop", "report", "resume", "compare"])
def test_a_sweep_that_is_not_named_is_told_with_those_that_are_there(
    word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("outputs/tone", "outputs/other", "elsewhere/third"):
        Path(folder).mkdir(parents=True)
        (Path(folder) / STUDY_FILE).touch()
    for words, told in (([], "sweeps in outputs: other, tone"), (["--outputs", "elsewhere"], "elsewhere: third")):
        with pytest.raises(SystemExit):
            main([word, *words])
        said = told if not words else f"sweeps in {told}"
        assert re.search(rf"required: sweep(\|run)?; {said}", capsys.readouterr().err)


@pytest.mark.parametrize("word", ["history", "rollback"])
def test_a_model_that_is_not_named_is_told_with_those_that_are_there(
    word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mlruns").mkdir()
    for names, told in ([], "there is no "), (["tone", "other"], "registered models: other"):
        for name in names:
            put_name(f"sqlite:///{tmp_path}/mlruns/mlflow.db", name)
        with pytest.raises(SystemExit):
            main([word])
        assert f"required: name; {told}" in capsys.readouterr().err


@pytest.mark.parametrize("word", sorted(COMMANDS))
def test_what_may_be_left_out_is_not_told_as_missing(word: str) -> None:
    """Positional arguments of any number, which argparse tells as required unless they have a default."""
    if word in COMPOSING:
        return
    for action in parser_of(word)._actions:
        assert not (action.nargs == "*" and action.required), action.dest


# options that name what is written or read in a place of one's own
PLACES = ("--out", "--output", "--outputs", "--predictions", "--report", "--file", "file")


@pytest.mark.parametrize("word", [word for word in COMMANDS if word not in COMPOSING])
def test_the_persons_own_folder_is_meant_wherever_a_place_is_named(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No folder is called `~`: a shell does not read that in `--out=~/x`."""
    monkeypatch.setenv("HOME", "/home/me")
    for action in parser_of(word)._actions:
        if {action.dest, *action.option_strings} & set(PLACES):
            kind: Any = action.type
            assert kind is not None, action.dest
            assert str(kind("~/x y")) == "/home/me/x y"


def test_the_usage_of_resume_has_overrides() -> None:
    parser = parser_of("resume")
    assert "[override ...]" in parser.format_usage()
    assert parser.parse_known_args(["tone", "a=1", "--n-trials", "3", "b=2"])[0].override == ["a=1"]


def test_what_is_no_flag_is_left_to_argparse() -> None:
    """Beginnings of flags, numbers, texts with a space, and all behind two dashes."""
    parser = CommandParser(prog="slimtune x")
    parser.add_argument("--text")
    parser.add_argument("words", nargs="*")
    assert parser.parse_args(["--te", "-- no", "-1"]) == argparse.Namespace(text="-- no", words=["-1"])
    assert parser.parse_args(["--", "--other"]) == argparse.Namespace(text=None, words=["--other"])
