"""Distributions that are built for real, and environments that they are installed into."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packaging.environment import ROOT, Environment, make_environment, run


def build_wheel(source: Path, folder: Path) -> Path:
    flags = ["--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder]
    run(sys.executable, "-m", "pip", "wheel", *flags, source, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the checkout."""
    return build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", folder, cwd=ROOT)
    (archive,) = folder.glob("*.tar.gz")
    return archive


@pytest.fixture(scope="session")
def sdist_wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the sdist, as who installs the sdist gets it."""
    return build_wheel(sdist, tmp_path_factory.mktemp("sdist_wheel"))


@pytest.fixture(scope="session")
def empty_environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The dependencies, and no slimtune."""
    return make_environment(tmp_path_factory.mktemp("empty"))


@pytest.fixture(scope="session")
def wheel_environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The dependencies and the wheel."""
    made = make_environment(tmp_path_factory.mktemp("installed"))
    made.install(wheel)
    return made


@pytest.fixture(scope="session")
def installed(wheel_environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Environment]:
    """Environments by the way that slimtune was installed, each made once."""
    made = {"wheel": wheel_environment}

    def make(way: str) -> Environment:
        if way not in made:
            made[way] = make_environment(tmp_path_factory.mktemp("editable"))
            if way == "pip editable":
                made[way].install("--editable", ROOT)
            else:
                uv_editable(made[way])
        return made[way]

    return make


def uv_editable(environment: Environment) -> None:
    """`uv pip install --editable`, of slimtune alone."""
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if uv is None:
        pytest.skip("uv is not installed; pip install uv")
    flags = ["--quiet", "--offline", "--no-deps", "--no-build-isolation", "--python", environment.python]
    run(uv, "pip", "install", *flags, "--editable", ROOT, cwd=environment.folder)
