import resource
import subprocess
import sys
from pathlib import Path

import pytest

from slimtune.sweeper.cli import COMMANDS, main
from slimtune.sweeper.commands.sweep import HELP

LIMIT_SECONDS = 0.5


def cpu_seconds(*arguments: str, folder: Path) -> tuple[float, subprocess.CompletedProcess[str]]:
    """CPU time of the command, the best of three: the machine may be busy."""
    best = float("inf")
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-m", "slimtune.sweeper.cli", *arguments],
            capture_output=True,
            text=True,
            cwd=folder,
            check=False,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        best = min(best, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return best, done


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in COMMANDS)
    assert main([]) == 0


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_a_help(command: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "slimtune.sweeper.cli", command, "--help"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: slimtune {command}")


def test_an_unknown_command_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["swep"]) == 2
    assert capsys.readouterr().err == "slimtune: 'swep' is not a command; did you mean 'sweep'?\n"


@pytest.mark.parametrize("arguments", [["--help"], ["sweep", "--help"]])
def test_help_is_instant(arguments: list[str], tmp_path: Path) -> None:
    seconds, done = cpu_seconds(*arguments, folder=tmp_path)
    assert done.returncode == 0
    assert seconds < LIMIT_SECONDS


@pytest.mark.parametrize("command", ["sweep", "train"])
def test_all_problems_of_a_config_are_told_at_once_and_at_once(command: str, tmp_path: Path) -> None:
    """Before torch is imported, with exit code 2, no traceback and nothing written."""
    arguments = ["data.train_file=x.jsonl", "fit.epochs=-1", "method.r=many", "search.n_trials=0"]
    seconds, done = cpu_seconds(command, *arguments, folder=tmp_path)
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert lines[0] == "slimtune: 3 problems in the config:"
    assert set(lines[1:]) == {
        "  - method.r is 'many'; use a whole number",
        "  - fit.epochs is -1.0; use a number above 0, e.g. 3",
        "  - search.n_trials is 0; use a number above 0, e.g. 20",
    }
    assert seconds < 2 * LIMIT_SECONDS


def test_unknown_keys_and_options_name_the_nearest(tmp_path: Path) -> None:
    arguments = ["fit.learning_rat=1", "methd=lora", "model=minlm", "data.train_file=x", "fit.batch_size=0"]
    seconds, done = cpu_seconds("sweep", *arguments, folder=tmp_path)
    assert done.returncode == 2
    assert set(done.stderr.splitlines()[1:]) == {
        "  - model=minlm is not an option; did you mean 'minilm'?",
        "  - fit.learning_rat is not a key; did you mean 'fit.learning_rate'?",
        "  - methd is not a key; did you mean 'method'?",
        "  - fit.batch_size is 0; use a number above 0, e.g. 16",
    }
    assert list(tmp_path.iterdir()) == []
    assert seconds < 3 * LIMIT_SECONDS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "data.train_file is missing"),
        (["data.train_file=x", "space.fit.learnin_rate={type: float, low: 1, high: 2}"], "space.fit.learnin_rate"),
        (["data.train_file=x", "space.method.r.low=-3"], "space.method.r: method.r is -3; use a number above 0"),
        (["data.train_file=x", "search.num_workers=2"], "add hydra/launcher=joblib"),
        (["data.train_file=x", "search.direction=minimize"], "task.metric is accuracy; use maximize"),
        (["data.train_file=x", "tracking.uri=http://me:secret@host"], "has a password in it"),
        (["data.train_file=x", "search.name=a/b"], "it names a folder"),
        (["data.train_file=x", "fit.batch_size=choice(8,0)"], "fit.batch_size is 0"),
        (["data.train_file=x", "fit.epochs=[1"], "mismatched input|missing BRACKET_CLOSE|no viable alternative"),
        (["data.train_file=absent.jsonl"], "absent.jsonl: no such file"),
    ],
)
def test_a_bad_sweep_stops_before_its_first_trial(arguments: list[str], message: str, tmp_path: Path) -> None:
    import re

    done = subprocess.run(
        [sys.executable, "-m", "slimtune.sweeper.cli", "sweep", "data=file", *arguments],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert re.search(message if "|" in message else re.escape(message), done.stderr), done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "mlruns").exists()


def test_a_fault_of_ours_is_exit_code_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(_: object) -> int:
        raise RuntimeError("oops")

    monkeypatch.setattr("slimtune.sweeper.commands.compare.run", fail)
    assert main(["compare", "x"]) == 1
    assert "this is a fault of slimtune" in capsys.readouterr().err


def test_the_help_of_sweep_speaks_of_keys_that_exist(tmp_path: Path) -> None:
    """Every `group.key=` in the help is a key of the config."""
    import re

    from hydra import compose, initialize_config_module

    from slimtune.sweeper.config_values import known_keys

    with initialize_config_module("slimtune.conf", version_base="1.3"):
        known = known_keys(compose("config"))
    named = set(re.findall(r"\b((?:data|model|method|fit|search|space|tracking|export)(?:\.\w+)+)=", HELP))
    assert len(named) > 15
    assert {key for key in named if key not in known} <= {"space.fit.learning_rate.low"}
