"""An override that Hydra cannot read is told with a line that can be pasted into a shell."""

import subprocess

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from slimtune.sweeper.cli import main
from slimtune.sweeper.hydra_app.syntax_problems import syntax_problems


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("search.name=it's", "it's"),
        ("search.name='it's'", "it's"),
        ('search.name="a "b" c"', 'a "b" c'),
        ("data.text_template=it's {input} for 5$", "it's {input} for 5$"),
        ("data.text_template=it's `a` \\ !", "it's `a` \\ !"),
        ("search.name=🎉'", "🎉'"),
        ("data.train_file=[a", "[a"),
        ("data.train_file={a", "{a"),
    ],
)
def test_f10_the_line_that_is_told_means_the_text(argument: str, value: str) -> None:
    (told,) = syntax_problems(["fit.epochs=3", argument, "--cfg"])
    assert told.startswith(f"{argument}: ")
    line = told.partition("; if it is a text, write ")[2]
    word = subprocess.run(["bash", "-c", f"printf %s {line}"], capture_output=True, text=True, check=True).stdout
    assert OverridesParser.create().parse_override(word).value() == value


def test_what_is_no_override_is_told() -> None:
    assert syntax_problems(["fit.epochs"]) == ["fit.epochs is no override; use key=value, e.g. fit.epochs=3"]
    (told,) = syntax_problems(["fit epochs=3"])
    assert told.endswith("give a key, = and a value")


def test_every_one_is_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "data=file", "search.name=it's", "data.text_template=that's"]) == 2
    said = capsys.readouterr().err
    assert '"search.name=\\"it\'s\\""' in said
    assert '"data.text_template=\\"that\'s\\""' in said
