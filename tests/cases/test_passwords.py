"""The password of a storage is nowhere but in the environment."""

import os
import re
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from tests.services import service

APP = """
import hydra
from slimtune import current_trial

@hydra.main(version_base="1.3", config_path=None, config_name=None)
def app(config):
    trial = current_trial()
    trial.report(config.x, 1)
    if trial.number == 1:
        raise ValueError("a trial fails")
    return config.x

app()
"""


def written_by(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def run(folder: Path, *words: str, **more: str) -> str:
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env={**os.environ, **more}, capture_output=True, text=True, check=False
    )
    return f"{done.returncode}\n{done.stdout}\n{done.stderr}"


@pytest.fixture
def app(tmp_path: Path) -> Path:
    path = tmp_path / "app.py"
    path.write_text(APP)
    return path


def words(app: Path, storage: str, name: str) -> list[str]:
    own = ["hydra/sweeper=slimtune", "hydra.sweeper.search.direction=minimize", "hydra.sweeper.search.n_trials=3"]
    return [
        str(app),
        "-m",
        *own,
        f"hydra.sweeper.search.storage={storage}",
        f"hydra.job.name={name}",
        "+x=interval(0,1)",
    ]


def test_of_a_variable_the_name_alone_is_written(app: Path) -> None:
    """In two launches, of which the second one resumes, and in what a command prints."""
    url, password, name = service("postgresql"), os.environ["PGPASSWORD"], uuid.uuid4().hex
    more = {"MY_STUDIES": url.replace("@", f":{password}@"), "PGPASSWORD": ""}
    said = run(app.parent, *words(app, "env:MY_STUDIES", name), **more)
    assert said.startswith("0\n"), said
    compared = run(
        app.parent, "-m", "slimtune.sweeper.cli", "compare", name, "--json", "--storage", "env:MY_STUDIES", **more
    )
    assert len(re.findall('"number"', compared)) == 3, compared
    found = written_by(app.parent)
    assert any(b"env:MY_STUDIES" in text for text in found.values())
    assert password not in said + compared
    assert [path for path, text in found.items() if password.encode() in text] == []


@pytest.mark.parametrize("storage", ["postgresql://me:hunter2@127.0.0.1:1/d", "${oc.env:MY_STUDIES}"])
def test_a_url_with_a_password_is_refused_before_anything_is_written(app: Path, storage: str) -> None:
    said = run(app.parent, *words(app, storage, "x"), MY_STUDIES="postgresql://me:hunter2@127.0.0.1:1/d")
    assert not said.startswith("0\n")
    assert "hydra.sweeper.search.storage has a password in it" in said
    assert "hunter2" not in said
    assert [path for path, text in written_by(app.parent).items() if b"hunter2" in text] == []


def test_a_wrong_password_is_told_without_it(app: Path) -> None:
    url = service("postgresql").replace("@", ":hunter2@")
    said = run(app.parent, *words(app, "env:MY_STUDIES", "x"), MY_STUDIES=url)
    assert "search.storage is 'env:MY_STUDIES', which cannot be used" in said
    assert "hunter2" not in said
