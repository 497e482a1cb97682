"""What a wheel and an sdist hold."""

import zipfile
from pathlib import Path

import pytest

from tests.packaging.environment import ROOT, Environment

FOLDERS = ("conf", "export", "sweeper", "training")


def content(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def of_the_checkout(folder: str, prefix: str) -> set[str]:
    files = (path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {prefix + path.relative_to(ROOT).as_posix() for path in files}


def test_a_wheel_puts_two_names_on_the_path(wheel_environment: Environment) -> None:
    names = {item.name for item in wheel_environment.packages.iterdir()} - {"dependencies.pth"}
    info = {name for name in names if name.startswith("slimtune-") and name.endswith(".dist-info")}
    assert len(info) == 1
    assert names - info == {"slimtune", "hydra_plugins"}


def test_a_wheel_has_every_file_of_the_folders(wheel: Path) -> None:
    """Configs, corpora, the plugin and the mark of a typed package too; nothing else."""
    names = {name for name in content(wheel) if ".dist-info/" not in name}
    folders = [of_the_checkout(folder, "slimtune/") for folder in FOLDERS]
    expected = of_the_checkout("hydra_plugins", "").union(*folders)
    assert names == expected | {"slimtune/__init__.py", "slimtune/py.typed"}


def test_a_wheel_of_the_sdist_is_the_wheel_of_the_checkout(wheel: Path, sdist_wheel: Path) -> None:
    """The folders lie behind links, which an archive could leave out or hold twice."""
    assert content(sdist_wheel) == content(wheel)


@pytest.mark.parametrize("name", ["slimtune", "hydra_plugins.slimtune_sweeper"])
def test_without_an_install_there_is_none(empty_environment: Environment, name: str, tmp_path: Path) -> None:
    """The environments of these tests do not find the checkout by accident."""
    code = f"import importlib\ntry: importlib.import_module('{name}')\nexcept ModuleNotFoundError: print('none')"
    assert empty_environment.run("-c", code, cwd=tmp_path) == "none\n"
