"""The examples run as their pages say."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_parts_of_ones_own_need_no_change_of_the_project(tmp_path: Path) -> None:
    """Reader, loss and business metric by dotted path, in the very command of the example's page."""
    import json

    page = (ROOT / "examples/custom/README.md").read_text()
    command = page[page.index("slimtune sweep") : page.index("export=none") + len("export=none")].replace("\\\n", " ")
    words = shlex.split(command)[1:]
    store = f"tracking.uri=sqlite:///{tmp_path / 'mlflow.db'}"
    more = ["hydra.sweep.dir=" + str(tmp_path / "out"), store, f"search.storage=sqlite:///{tmp_path / 'study.db'}"]
    done = subprocess.run(
        [sys.executable, "-m", "slimtune.sweeper.cli", *words, *more, "fit.epochs=1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    listed = subprocess.run(
        [
            sys.executable,
            "-m",
            "slimtune.sweeper.cli",
            "compare",
            "survey",
            "--json",
            "--storage",
            f"sqlite:///{tmp_path / 'study.db'}",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    trials = json.loads(listed.stdout)
    assert trials[0]["state"] == "complete"
    assert 0 <= trials[0]["objective"] < 1
