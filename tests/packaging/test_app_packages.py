"""A Hydra app may have packages that are called as slimtune's folders are."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packaging.environment import Environment

APP = """
import importlib, json
import hydra
from slimtune.sweeper import current_trial

NAMES = ("conf", "export", "sweeper", "training", "tests")
ours = [importlib.import_module(f"{name}.own").FOLDER for name in NAMES]

@hydra.main(version_base="1.3", config_path="conf", config_name="app")
def main(cfg):
    with open("seen.json", "w") as file:
        json.dump([current_trial().number, *ours], file)
    return (cfg.x - 1) ** 2

main()
"""
NAMES = ("conf", "export", "sweeper", "training", "tests")


def make_app(folder: Path, *, with_init: bool) -> Path:
    """A script and five packages, each with a module that tells whose it is."""
    for name in NAMES:
        (folder / name).mkdir()
        (folder / name / "own.py").write_text(f"FOLDER = 'own {name}'\n")
        if with_init:
            (folder / name / "__init__.py").touch()
    (folder / "conf" / "app.yaml").write_text("x: 0\n")
    (folder / "app.py").write_text(APP)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("with_init", [True, False], ids=["packages", "namespaces"])
@pytest.mark.parametrize("way", ["wheel", "pip editable", "uv editable"])
def test_an_app_keeps_its_own_packages(
    way: str, with_init: bool, installed: Callable[[str], Environment], tmp_path: Path
) -> None:
    """They are imported, and the sweep runs, however slimtune was installed."""
    app = make_app(tmp_path, with_init=with_init)
    search = "hydra.sweeper.search"
    settings = ["hydra/sweeper=slimtune", "hydra.sweep.dir=out", f"{search}.n_trials=3", f"{search}.direction=minimize"]
    installed(way).run("app.py", "-m", "x=interval(-5,5)", *settings, cwd=app)
    assert json.loads((app / "seen.json").read_text()) == [2, *(f"own {name}" for name in NAMES)]
    assert "best_value" in (app / "out" / "optimization_results.yaml").read_text()
