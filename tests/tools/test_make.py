"""Which Python `make` takes, on a PATH of our own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("make", "sh", "env", "echo")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A PATH with no Python on it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (folder / tool).symlink_to(found)
    return folder


def add(path: Path, name: str, *, version: tuple[int, int] = (3, 11)) -> None:
    """A program that says how it was called; what it runs by `-c` takes it for a Python of that version."""
    program = path / name
    code = f"import sys; sys.version_info = {(*version, 0)}; exec(sys.argv[1])"
    runs = f"exec {sys.executable} -I -c '{code}' \"$2\""
    program.write_text(f'#!/bin/sh\n[ "$1" = -c ] && {runs}\necho "{name} $*"\n', encoding="utf-8")
    program.chmod(0o755)


def make_venv(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What make says of the venv; pip is not reached."""
    environment = {**{key: value for key, value in os.environ.items() if key != "PYTHON"}, "PATH": str(path)}
    command = ["make", "-s", "install", f"VENV={path.parent / 'venv'}", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("there", "taken"),
    [
        (["python3.14", "python3.11", "python3"], "python3.11"),
        (["python3.14", "python3.12"], "python3.12"),
        (["python3"], "python3"),
        (["uv", "python3.13"], "python3.13"),
    ],
)
def test_the_version_that_was_tested_is_taken_then_later_ones(there: list[str], taken: str, path: Path) -> None:
    for name in there:
        add(path, name)
    assert make_venv(path).stdout.startswith(f"{taken} -m venv ")


@pytest.mark.parametrize("version", [(3, 10), (3, 15)])
def test_a_python_that_the_lock_has_no_packages_for_is_passed_over(path: Path, version: tuple[int, int]) -> None:
    add(path, "python3", version=version)
    add(path, "uv")
    assert make_venv(path).stdout.startswith("uv venv --quiet --seed ")


def test_the_users_own_choice_wins(path: Path) -> None:
    add(path, "python3.11")
    add(path, "mine")
    assert make_venv(path, "PYTHON=mine").stdout.startswith("mine -m venv ")


def test_without_any_one_sentence_says_what_to_do(path: Path) -> None:
    said = make_venv(path).stderr
    assert said.startswith("make: there is no Python 3.11 to 3.14 here; install one, or uv ")
