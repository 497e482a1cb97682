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


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["fit.epochs", "=", "3"], "fit.epochs=3"),
        (["fit.epochs", "=3"], "fit.epochs=3"),
        (["fit.epochs=", "3"], "fit.epochs=3"),
        (["fit.epochs:", "3"], "fit.epochs=3"),
        (["fit.epochs", "3"], "fit.epochs=3"),
    ],
)
def test_an_override_with_blanks_in_it_is_told_once(words: list[str], line: str) -> None:
    (told,) = syntax_problems(["data=file", *words, "method=lora"])
    assert told.startswith(f"{' '.join(words)}: an override is one word")
    assert told.endswith(f"write {line}")


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("=x", "=x has no key before its =; use key=value"),
        ("fit:epochs=3", "fit:epochs is no key, whose parts have dots between"),
        ("data.train_file=a=b.csv", "the value has = in it, which Hydra takes in quotes alone"),
        ("data.train_file=rows(1).csv", "if it is a text, write"),
        ("data.train_file=rows#1.csv", "the value has # in it"),
        ("data.text_template={input}, {target}", "the value has {input} in it"),
        ("search.name=${data.name", "the value has brackets that do not close"),
        ("fit.x=loguniform(1e-5,1e-3)", "no function loguniform; write 'fit.x=tag(log,interval(1e-5,1e-3))'"),
        ("fit.x=tag(log,uniform(1e-5,1e-3))", "no function uniform; write 'fit.x=tag(log,interval(1e-5,1e-3))'"),
        ("fit.x=log(interval(1e-5,1e-3))", "no function log; write 'fit.x=tag(log,interval(1e-5,1e-3))'"),
        ("fit.x=categorical([8,16])", "no function categorical; write 'fit.x=choice(8,16)'"),
        ("fit.x=randint(1,8)", "no function randint; write 'fit.x=int(interval(1,8))'"),
        ("fit.x=normal(0,1)", "no function normal; what is searched is one of choice(4,8)"),
        ("fit.x=interval(1)", "missing a required argument: 'end'; what is searched is one of"),
    ],
)
def test_what_is_wrong_is_said_without_the_parsers_words(argument: str, said: str) -> None:
    (told,) = syntax_problems([argument])
    assert told.startswith(argument)
    assert said in told
    assert not any(word in told for word in ("mismatched", "extraneous", "alternative", "while evaluating"))


def test_every_one_is_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "data=file", "search.name=it's", "data.text_template=that's"]) == 2
    said = capsys.readouterr().err
    assert '"search.name=\\"it\'s\\""' in said
    assert '"data.text_template=\\"that\'s\\""' in said


@pytest.mark.parametrize(
    ("argument", "written"),
    [
        ("fit.x=trial.suggest_float('lr',1e-5,1e-3,log=True)", "fit.x=tag(log,interval(1e-5,1e-3))"),
        ("fit.x=trial.suggest_float('lr', low=0, high=1)", "fit.x=interval(0,1)"),
        ("fit.x=trial.suggest_int('r', 1, 8, log=True)", "fit.x=tag(log,int(interval(1,8)))"),
        ("fit.x=trial.suggest_categorical('b', [4, 8])", "fit.x=choice(4,8)"),
        ("fit.x=tune.choice([4,8])", "fit.x=choice(4,8)"),
        ("fit.x=np.random.randint(4, 8)", "fit.x=int(interval(4,8))"),
    ],
)
def test_a_call_of_another_tool_is_told_as_one_of_hydras(argument: str, written: str) -> None:
    """Its quotes close: what is wrong is that it is no function of Hydra's."""
    (told,) = syntax_problems([argument])
    assert told == f"{argument}: Hydra has no function {argument[6:].partition('(')[0]}; write '{written}'"
