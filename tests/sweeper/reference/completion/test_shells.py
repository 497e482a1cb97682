"""What a shell offers, asked of the shell itself."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from slimtune.sweeper.command_table import COMMANDS, parser_of
from slimtune.sweeper.reference.completion.bash import bash_script
from slimtune.sweeper.reference.completion.fish import fish_script
from slimtune.sweeper.reference.completion.words import (
    ALIASES,
    PLACES,
    REGISTERED,
    command_words,
    first_sentence,
    override_words,
)
from slimtune.sweeper.reference.completion.zsh import zsh_script
from slimtune.training.tracking.mlflow_runs import client_of
from tests.services import need

SCRIPTS = {"bash": bash_script, "zsh": zsh_script, "fish": fish_script}
# as bash offers it, behind the last sign at which it splits words; fish says whole words, with what they mean
LINES = [
    ("slimtune re", {"report", "resume", "review", "register"}),
    ("slimtune sweep fit.sch", {"fit.schedule="}),
    ("slimtune sweep method=full fit.schedule=c", {"cosine", "constant"}),
    ("slimtune train search/sampler=nsga", {"nsga2", "nsga3"}),
    ("slimtune sweep search.sam", {"search.sampler."}),
    ("slimtune sweep data.train_file=ro", {"rows.jsonl"}),
    ("slimtune sweep --config mi", {"mine.yaml"}),
    ("slimtune resume tone search.num", {"search.num_workers="}),
    ("slimtune report t", {"tone"}),
    ("slimtune report tone --no", {"--no-open"}),
    ("slimtune export --run to", {"tone"}),
    ("slimtune import theirs.yaml --from tr", {"trainer"}),
    ("slimtune review ma", {"make"}),
    ("slimtune promote tone promotion=s", {"strict"}),
    ("slimtune explain method.r", {"method.r", "method.reduction_factor", "method.rank_pattern"}),
    ("slimtune completion z", {"zsh"}),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with files, two sweeps, two registered models, and the scripts."""
    folder = tmp_path_factory.mktemp("shell")
    for sweep in ("tone", "mine"):
        (folder / "outputs" / sweep).mkdir(parents=True)
    for file in ("rows.jsonl", "mine.yaml"):
        (folder / file).touch()
    store = f"sqlite:///{folder / 'mlruns' / 'mlflow.db'}"
    (folder / "mlruns").mkdir()
    for name in ("mood", "two words"):
        client_of(store).create_registered_model(name)
        client_of(store).create_model_version(name, source=str(folder))
        client_of(store).set_registered_model_alias(name, "champion", "1")
    for shell, script in SCRIPTS.items():
        (folder / f"of.{shell}").write_text(script(command_words(), override_words()), encoding="utf-8")
    return folder


def ran(command: Sequence[str], place: Path) -> list[str]:
    done = subprocess.run(
        command, cwd=place, capture_output=True, text=True, check=False, env={**os.environ, "HOME": str(place)}
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [line for line in done.stdout.splitlines() if line]


def asked_of_bash(line: str, place: Path, before: str = "") -> list[str]:
    """What bash would offer at the end of a line, after a command that sets it up."""
    need("bash", None if shutil.which("bash") else "there is no bash")
    commands = ["source of.bash", before, f"COMP_LINE={shlex.quote(line)}", f"COMP_POINT={len(line)}", "_slimtune"]
    return ran(["bash", "-c", "\n".join([*commands, 'printf "%s\\n" "${COMPREPLY[@]}"'])], place)


@pytest.mark.parametrize(("line", "offered"), LINES)
def test_bash_offers(place: Path, line: str, offered: set[str]) -> None:
    assert set(asked_of_bash(line, place)) == offered


@pytest.mark.parametrize(("line", "offered"), LINES)
def test_fish_offers(place: Path, line: str, offered: set[str]) -> None:
    need("fish", None if shutil.which("fish") else "there is no fish")
    found = ran(["fish", "-c", f"source of.fish; complete -C {shlex.quote(line)}"], place)
    words = [word.partition("\t")[0] for word in found]
    shown = {word.partition("=")[2] or word for word in words}
    assert {
        word for word in shown if word.startswith(line.split()[-1].partition("=")[2] or line.split()[-1])
    } == offered


def test_zsh_reads_the_script(place: Path) -> None:
    """Its completion works within its line editor alone."""
    need("zsh", None if shutil.which("zsh") else "there is no zsh")
    assert ran(["zsh", "-f", "-c", "source of.zsh; print $_comps[slimtune]"], place) == ["_slimtune"]


@pytest.mark.parametrize("command", ["predict --model", "evaluate --data x --model", "promote", "register"])
def test_aliases_of_the_registry_are_offered(command: str, place: Path) -> None:
    """Of MLflow's own store, which is asked without MLflow; a name that a shell would split is left out."""
    assert set(asked_of_bash(f"slimtune {command} m", place)) >= {"mine", "models:/mood@champion"}
    assert asked_of_bash(f"slimtune {command} models:/mo", place) == ["/mood@champion"]
    assert asked_of_bash(f"slimtune {command} models:/mood@", place) == ["champion"]
    need("fish", None if shutil.which("fish") else "there is no fish")
    found = ran(["fish", "-c", f"source of.fish; complete -C 'slimtune {command} models:/m'"], place)
    # fish offers files behind a colon as well
    assert "models:/mood@champion" in [word.partition("\t")[0] for word in found]


# of lines on which a registered model or an alias of one is named alone
NAMED = [
    ("rollback m", "mood"),
    ("history m", "mood"),
    ("promote tone --name m", "mood"),
    ("register tone --name m", "mood"),
    ("rollback mood --alias ch", "champion"),
    ("history mood --alias ch", "champion"),
    ("promote tone --alias ch", "champion"),
]


@pytest.mark.parametrize(("line", "offered"), NAMED)
def test_names_of_the_registry_are_offered(line: str, offered: str, place: Path) -> None:
    """No sweep and no file stands there."""
    assert asked_of_bash(f"slimtune {line}", place) == [offered]
    need("fish", None if shutil.which("fish") else "there is no fish")
    found = ran(["fish", "-c", f"source of.fish; complete -C 'slimtune {line}'"], place)
    assert [word.partition("\t")[0] for word in found] == [offered]


def test_every_place_of_a_name_is_an_argument() -> None:
    """A name that a command's parser has not would be offered nowhere."""
    for word, dest in set().union(*PLACES.values()):
        assert dest in {action.dest for action in parser_of(word)._actions}, (word, dest)


def test_every_name_of_a_registered_model_has_its_place() -> None:
    """Whatever a command says of an argument in these words is offered."""
    for word in COMMANDS:
        for action in parser_of(word)._actions:
            if (action.help or "").startswith("of the registered model"):
                assert (word, action.dest) in REGISTERED
            if "--alias" in action.option_strings:
                assert (word, action.dest) in ALIASES


def test_without_a_registry_no_alias_is_offered(place: Path, tmp_path: Path) -> None:
    """And nothing is made."""
    shutil.copy(place / "of.bash", tmp_path)
    assert asked_of_bash("slimtune predict --model mo", tmp_path) == []
    assert [path.name for path in tmp_path.iterdir()] == ["of.bash"]


def test_where_bash_does_not_split_at_equals_signs_whole_words_are_offered(place: Path) -> None:
    found = asked_of_bash("slimtune sweep data.train_file=ro", place, before='COMP_WORDBREAKS=" "')
    assert found == ["data.train_file=rows.jsonl"]


def test_a_meaning_is_one_sentence() -> None:
    assert first_sentence("Of all, e.g. `this`. More of it.") == "Of all, e.g. this"
