import errno
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import NamedTuple

import pytest

from slimtune.sweeper import cli
from slimtune.sweeper.cli import main, usage
from slimtune.sweeper.command_table import COMMANDS, OTHER_WORDS
from slimtune.sweeper.commands.sweep import HELP
from slimtune.sweeper.reporting.stages import working_line
from slimtune.training.config.tracking import mlflow_at
from slimtune.training.tracking.mlflow_runs import Tracker

# seconds of import each; a time of a command would measure the machine
HEAVY = {"torch", "transformers", "peft", "mlflow", "optuna", "sklearn", "datasets", "evaluate", "onnxruntime"}
NOTING = """
import atexit, pathlib, sys
noted = pathlib.Path(sys.argv.pop(1))
atexit.register(lambda: noted.write_text("\\n".join(sys.modules)))
from slimtune.sweeper.cli import main
sys.exit(main())
"""

# a command on each line, in processes that begin with MLflow imported
FORKING = """
import os, pathlib, sys
import mlflow
from slimtune.sweeper.cli import main
for number, line in enumerate(sys.stdin.read().splitlines()):
    if os.fork() == 0:
        for stream, name in ((1, "out"), (2, "error")):
            os.dup2(os.open(f"{number}.{name}", os.O_WRONLY | os.O_CREAT), stream)
        code = main(line.split())
        pathlib.Path(f"{number}.modules").write_text("\\n".join(sys.modules))
        sys.stdout.flush()
        os._exit(code)
    pathlib.Path(f"{number}.code").write_text(str(os.waitstatus_to_exitcode(os.wait()[1])))
"""


class Ended(NamedTuple):
    """A command that was run: how it ended, and which packages it had imported."""

    code: int
    output: str
    error: str
    imported: set[str]


@pytest.fixture
def run(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Callable[..., Ended]:
    """Runs a command in a process of its own, in an empty folder."""
    noted = tmp_path_factory.mktemp("noted") / "modules.txt"

    def run_command(*arguments: str) -> Ended:
        command = [sys.executable, "-c", NOTING, str(noted), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
        imported = {name.partition(".")[0] for name in noted.read_text().splitlines()}
        return Ended(done.returncode, done.stdout, done.stderr, imported)

    return run_command


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in COMMANDS)
    assert main([]) == 0


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_a_help_that_imports_nothing_heavy(run: Callable[..., Ended], command: str) -> None:
    done = run(command, "--help")
    assert done.code == 0
    assert done.output.startswith(f"usage: slimtune {command}")
    assert done.imported & (HEAVY | {"rich"}) == set()


def test_an_unknown_command_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["swep"]) == 2
    assert capsys.readouterr().err == "slimtune: 'swep' is not a command; did you mean 'sweep'?\n"


def test_words_of_other_tools_are_answered_with_what_is_typed_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert set(OTHER_WORDS) & set(COMMANDS) == set()
    assert main(["serve"]) == 2
    told = "slimtune: 'serve' is not a command; MLflow serves a registered model: mlflow models serve --model-uri"
    assert capsys.readouterr().err.startswith(told)
    named = {word.strip(",") for told in OTHER_WORDS.values() for word in re.findall(r"slimtune ([a-z]\S*)", told)}
    assert named <= set(COMMANDS)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["sweep", "--help"], ["train", "--help"]])
def test_help_does_not_import_hydra(run: Callable[..., Ended], arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.code == 0
    assert done.imported & (HEAVY | {"hydra", "omegaconf", "numpy", "rich"}) == set()


@pytest.mark.parametrize("command", ["sweep", "train"])
def test_all_problems_of_a_config_are_told_at_once(run: Callable[..., Ended], command: str) -> None:
    """Before anything heavy is imported, with exit code 2 and no traceback."""
    done = run(command, "data.train_file=x.jsonl", "fit.epochs=-1", "method.r=many", "search.n_trials=0")
    assert done.code == 2
    lines = done.error.splitlines()
    assert lines[0] == "slimtune: 4 problems, found before the first trial:"
    (file,) = (line for line in lines if "x.jsonl: no such file" in line)
    assert set(lines[1:]) - {file} == {
        "  - method.r is 'many'; use a whole number",
        "  - fit.epochs is -1; use a number above 0, e.g. 3",
        "  - search.n_trials is 0; use a number above 0, e.g. 20",
    }
    assert done.imported & HEAVY == set()


def test_unknown_keys_and_options_name_the_nearest(run: Callable[..., Ended], tmp_path: Path) -> None:
    """Nothing is written."""
    done = run("sweep", "fit.learning_rat=1", "methd=lora", "model=minlm", "data.train_file=x", "fit.batch_size=0")
    assert done.code == 2
    assert set(done.error.splitlines()[1:]) == {
        "  - model=minlm is not an option; did you mean 'minilm'? known: minilm, tiny_llama, tiny_t5",
        "  - fit.learning_rat is not a key; did you mean 'fit.learning_rate'?",
        "  - methd is not a key; did you mean 'method'?",
        "  - fit.batch_size is 0; use a number above 0, e.g. 16",
    }
    assert list(tmp_path.iterdir()) == []
    assert done.imported & HEAVY == set()


NO_CHECKPOINT = "neither a folder nor a run with a checkpoint"
NO_MODEL = f"nosuch: {NO_CHECKPOINT}"
NO_FILE = "nosuch.jsonl: no such file"
NO_STORE = "there is no {folder}/mlruns/mlflow.db"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("sweep data.train_file=nosuch.jsonl", NO_FILE),
        ("train data.train_file=nosuch.jsonl", NO_FILE),
        ("evaluate --model nosuch --data {folder}", NO_MODEL),
        ("evaluate --model {folder} --data {folder}", "{folder} holds no checkpoint"),
        ("evaluate --model models:/a/1 --data {folder}", NO_STORE),
        ("export --run nosuch --out out", NO_MODEL),
        ("export --run {folder} --out out", "{folder} holds no checkpoint"),
        ("export --run nosuch --out out export.opset=many", "export.opset"),
        ("adapters --base b --adapters a=nosuch --output out", NO_MODEL),
        ("adapters --base b --adapters a= --output out", "--adapters has 'a='"),
        ("promote nosuch --name x", "nosuch is no bundle"),
        ("promote models:/a/1", NO_STORE),
        ("promote models:/a/1 promotion.min_gian=1", "did you mean 'min_gain'?"),
        ("register nosuch --name x", "nosuch is no bundle"),
        ("rollback x", NO_STORE),
        ("history x", NO_STORE),
        ("compare nosuch", "there is no sweep 'nosuch'"),
        ("predict --model nosuch --text t", "nosuch is no bundle"),
        ("predict --model models:/a/1 --text t", NO_STORE),
        ("predict --model nosuch --file nosuch.jsonl", NO_FILE),
        ("predict --model nosuch --file {folder} --out nosuch/out.jsonl", "there is no folder nosuch"),
        ("ui", NO_STORE),
    ],
)
def test_what_is_not_there_is_told_before_anything_heavy_is_imported(
    run: Callable[..., Ended], tmp_path: Path, command: str, message: str
) -> None:
    done = run(*command.format(folder=tmp_path).split())
    assert done.code == 2, done.error
    assert message.format(folder=tmp_path) in done.error
    assert done.imported & HEAVY == set()


def test_rows_that_are_not_there_are_told_before_the_model_is_loaded(run: Callable[..., Ended], tmp_path: Path) -> None:
    (tmp_path / "slimtune.json").write_text('{"config": {"data": {"reader": null}}}')
    done = run("evaluate", "--model", str(tmp_path), "--data", "nosuch.jsonl")
    assert done.code == 2
    assert NO_FILE in done.error
    assert done.imported & HEAVY == set()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow store without a run."""
    folder = tmp_path_factory.mktemp("store") / "mlruns"
    config = mlflow_at(f"sqlite:///{folder / 'mlflow.db'}")
    Tracker(config, "e")
    return folder


@pytest.mark.slow
def test_a_look_up_in_the_store_does_not_import_torch(tmp_path: Path, store: Path) -> None:
    """Nor what else is heavy, beside MLflow itself."""
    shutil.copytree(store, tmp_path / "mlruns")
    run_id = "0" * 32
    messages = {
        f"evaluate --model {run_id} --data {tmp_path}": NO_CHECKPOINT,
        f"evaluate --model models:/a/1 --data {tmp_path}": "models:/a/1",
        "predict --model models:/a/1 --text t": "models:/a/1",
        "promote models:/a/1": "models:/a/1",
        "rollback a": "no registered model 'a'",
        f"export --run {run_id} --out out": NO_CHECKPOINT,
        f"adapters --base b --adapters a={run_id} --output out": NO_CHECKPOINT,
    }
    subprocess.run([sys.executable, "-c", FORKING], input="\n".join(messages), text=True, cwd=tmp_path, check=True)
    for number, (command, message) in enumerate(messages.items()):
        code, error, modules = ((tmp_path / f"{number}.{part}").read_text() for part in ("code", "error", "modules"))
        assert code == "2", f"{command}: {error}"
        assert message in error, command
        imported = {name.partition(".")[0] for name in modules.splitlines()}
        assert imported & (HEAVY - {"mlflow", "sklearn"}) == set(), command


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "data.train_file is missing"),
        (["data.train_file=x", "space.fit.learnin_rate={type: float, low: 1, high: 2}"], "space.fit.learnin_rate"),
        (["data.train_file=x", "space.method.r.low=-3"], "space.method.r: method.r is -3; use a number above 0"),
        (["data.train_file=x", "search.num_workers=2"], "add hydra/launcher=local"),
        (["data.train_file=x", "search.direction=minimize"], "task.metric is accuracy; use maximize"),
        (["data.train_file=x", "tracking.uri=http://me:secret@host"], "has a password in it"),
        (["data.train_file=x", "search.name=a/b"], "it names a folder"),
        (["data.train_file=x", "fit.batch_size=choice(8,0)"], "fit.batch_size is 0"),
        (["data.train_file=x", "fit.epochs=[1"], "brackets that do not close"),
        (["data.train_file=absent.jsonl"], "absent.jsonl: no such file"),
    ],
)
def test_a_bad_sweep_stops_before_its_first_trial(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import re

    monkeypatch.chdir(tmp_path)
    code, error = main(["sweep", "data=file", *arguments]), capsys.readouterr().err
    assert code == 2, error
    assert re.search(message if "|" in message else re.escape(message), error), error
    assert "Traceback" not in error
    assert not (tmp_path / "mlruns").exists()


def test_a_fault_of_ours_is_exit_code_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(_: object) -> int:
        raise RuntimeError("oops")

    monkeypatch.setattr("slimtune.sweeper.commands.compare.run", fail)
    assert main(["compare", "x"]) == 1
    assert "this is a fault of slimtune" in capsys.readouterr().err


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC, errno.ENAMETOOLONG, errno.EIO])
def test_a_place_that_the_system_refuses_is_no_fault_of_ours(
    number: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever a command does there, the path is named, and what helps."""

    def fail(_: object) -> int:
        raise OSError(number, os.strerror(number), "/secret/rows.csv")

    monkeypatch.setattr("slimtune.sweeper.commands.compare.run", fail)
    assert main(["compare", "x"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("slimtune: /secret/rows.csv: ")
    assert "Traceback" not in error


def test_the_help_of_sweep_speaks_of_keys_that_exist(tmp_path: Path) -> None:
    """Every `group.key=` in the help is a key of the config."""
    import re

    from hydra import compose, initialize_config_module

    from slimtune.sweeper.config_values import known_keys

    with initialize_config_module("slimtune.conf", version_base="1.3"):
        known = known_keys(compose("config"))
    named = set(re.findall(r"\b((?:data|model|method|fit|search|space|tracking|export)(?:\.\w+)+)=", HELP))
    assert len(named) > 15
    assert {key for key in named if key not in known} <= {"space.fit.learning_rate.low", "space.path"}


@pytest.mark.parametrize("words", [[], ["--help"], ["--version"]])
def test_who_reads_may_go_whatever_is_asked(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """As with `slimtune --help | head -1`."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        monkeypatch.setattr(sys, "stdout", closed)
        assert main(words) == 0
        closed.flush()


def test_a_silent_command_shows_what_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither one that asks, nor help, nor where there is no standard error."""
    shown: list[tuple[str, bool]] = []
    monkeypatch.setattr(working_line, "shown_at_work", lambda word, *, by_stages: _noted(shown, word, by_stages))
    monkeypatch.setattr(cli, "_ended", lambda word, arguments: 0)
    for errors in (None, io.StringIO()):
        monkeypatch.setattr(sys, "stderr", errors)
        for words in (["report", "tone"], ["sweep"], ["ui"], ["init"], ["compare", "--help"]):
            assert main(words) == 0
    assert shown == [("report", False), ("sweep", True), ("ui", True)]


def _noted(shown: list[tuple[str, bool]], word: str, by_stages: bool) -> AbstractContextManager[None]:
    shown.append((word, by_stages))
    return nullcontext()


@pytest.mark.parametrize(("words", "code"), [([], 0), (["swep"], 2)])
def test_the_process_ends_with_its_code_once_all_is_written(words: list[str], code: int) -> None:
    """What a command registers for the end is called; what PyTorch has made is not taken apart."""
    lines = [
        "import atexit, sys",
        "from slimtune.sweeper import cli",
        "class Left:",
        "    def __del__(self): print('taken apart')",
        "left = Left()",
        "main = cli.main",
        "cli.main = lambda: main() if atexit.register(print, 'called') else None",
        f"sys.argv = ['slimtune', *{words!r}]",
        "cli.command()",
    ]
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert done.stdout == ("" if words else usage() + "\n") + "called\n"
