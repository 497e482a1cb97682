"""The container's recipe speaks of what is here; no engine builds it in CI (docs/install.md)."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.packaging.conftest import build_wheel
from tests.packaging.environment import ROOT
from tests.packaging.test_distribution import content

RECIPE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
EDITOR = ROOT / ".devcontainer/devcontainer.json"


def kept() -> set[str]:
    """What .dockerignore leaves in the build's folder."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    return {line.removeprefix("!") for line in lines if line.startswith("!")}


def test_what_is_copied_is_there_and_not_ignored() -> None:
    copied = re.findall(r"^COPY (?!--from)(\S+) ", RECIPE, re.MULTILINE)
    assert set(copied) == {"requirements.lock", "."}
    assert "requirements.lock" in kept()
    assert all((ROOT / name).exists() for name in kept())


def test_the_build_has_everything_that_the_wheel_is_made_of(tmp_path: Path) -> None:
    """Built from what .dockerignore leaves, it is the wheel of the checkout."""
    (tmp_path / "here").mkdir()
    for name in kept():
        path = ROOT / name
        ignored = shutil.ignore_patterns("__pycache__")
        if path.is_dir():
            shutil.copytree(path, tmp_path / "here" / name, symlinks=True, ignore=ignored)
        else:
            shutil.copy(path, tmp_path / "here" / name)
    made = [names_of(folder, tmp_path / folder.name) for folder in (tmp_path / "here", ROOT)]
    assert made[0] == made[1]


def names_of(source: Path, folder: Path) -> list[str]:
    """Files of the wheel of a folder."""
    out = folder / "wheel"
    out.mkdir(parents=True)
    return sorted(content(build_wheel(source, out)))


def test_editors_install_as_make_does() -> None:
    given = json.loads(EDITOR.read_text(encoding="utf-8"))
    target = given["postCreateCommand"].removeprefix("make ")
    assert f"\n{target}:" in (ROOT / "Makefile").read_text(encoding="utf-8")
    assert given["containerEnv"].keys() == {"PIP_EXTRA_INDEX_URL"}


@pytest.mark.parametrize("python", re.findall(r"python:(3\.\d+)", RECIPE + EDITOR.read_text(encoding="utf-8")))
def test_its_python_is_one_of_ours(python: str) -> None:
    metadata = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    least = re.search(r'requires-python = ">=3\.(\d+)"', metadata)
    assert least is not None
    assert int(python.partition(".")[2]) >= int(least[1])


def test_the_venv_of_make_can_build_what_has_no_wheel(tmp_path: Path) -> None:
    """An older pip, as Debian 12 brings it, is replaced; a later one stays."""
    calls = tmp_path / "calls"
    fake = tmp_path / "python"
    inner = f'#!/bin/sh\necho "$@" >> {calls}\n'
    fake.write_text(f"#!/bin/sh\nmkdir -p $3/bin\nprintf '{inner}' > $3/bin/python\nchmod +x $3/bin/python\n")
    fake.chmod(0o755)
    subprocess.run([ROOT / "tools/make_venv", fake, tmp_path / "venv"], check=True)
    assert calls.read_text().endswith(" pip>=23.1\n")
