"""Threads give their core away soon, unless a person wants it otherwise."""

import os
import subprocess
import sys

import pytest

from slimtune.training.hardware.waiting import SPIN, VARIABLES, wait_briefly

# as a command begins: what a runtime of OpenMP finds in the environment when torch loads it
AT_LOAD = """
import importlib.abc, os, sys
class Look(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "torch":
            print("torch", os.environ.get("GOMP_SPINCOUNT"), os.environ.get("OMP_WAIT_POLICY"))
            sys.stdout.flush()
            os._exit(0)
sys.meta_path.insert(0, Look())
from slimtune.sweeper.cli import main
main(sys.argv[1:])
"""


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def test_what_a_person_sets_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    wait_briefly()
    assert "GOMP_SPINCOUNT" not in os.environ
    monkeypatch.delenv("OMP_WAIT_POLICY")
    wait_briefly()
    assert os.environ["GOMP_SPINCOUNT"] == str(SPIN)


@pytest.mark.parametrize("word", ["train", "sweep"])
def test_it_is_set_before_torch_is_loaded(word: str) -> None:
    words = [word, "experiment=tone", "tracking=none"]
    said = subprocess.run([sys.executable, "-c", AT_LOAD, *words], capture_output=True, text=True, check=True)
    assert f"torch {SPIN} None" in said.stdout
