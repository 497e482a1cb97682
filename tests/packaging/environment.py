"""Empty virtual environments that see every dependency of this one, but not slimtune."""

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
OURS = ("slimtune", "_slimtune", "hydra_plugins")


class Environment(NamedTuple):
    """A virtual environment of its own.

    Attributes:
        folder: Where it lies.
        packages: Its `site-packages`.
    """

    folder: Path
    packages: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def run(self, *arguments: object, cwd: Path) -> str:
        """What Python printed. The checkout is on no path, unless the working folder is in it."""
        return run(self.python, *arguments, cwd=cwd)

    def slimtune(self, *arguments: object, cwd: Path) -> str:
        """What the command printed, where slimtune is installed."""
        return run(self.folder / "bin" / "slimtune", *arguments, cwd=cwd)

    def install(self, *arguments: object) -> None:
        """`pip install`, of slimtune alone."""
        flags = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
        run(sys.executable, "-m", "pip", "--python", self.python, "install", *flags, *arguments, cwd=self.folder)


def run(*command: object, cwd: Path) -> str:
    """What a command printed; it must succeed, without this process's search path."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def make_environment(folder: Path) -> Environment:
    """A virtual environment with links to all packages of this one but slimtune."""
    venv.create(folder / "venv", symlinks=True)
    (packages,) = folder.glob("venv/lib/python*/site-packages")
    dependencies = folder / "dependencies"
    dependencies.mkdir()
    for package in _packages():
        (dependencies / package.name).symlink_to(package)
    (packages / "dependencies.pth").write_text(f"{dependencies}\n")
    return Environment(folder / "venv", packages)


def _packages() -> Sequence[Path]:
    # purelib and platlib differ on some systems
    folders = {Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")}
    return [
        item
        for folder in folders
        for item in folder.iterdir()
        if item.suffix != ".pth" and not item.name.startswith(OURS)
    ]
