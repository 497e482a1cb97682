"""`slimtune export` of a sweep, by whatever names it."""

import json
from pathlib import Path

import pytest

from slimtune.sweeper.commands.export_source import ExportRequest, opened
from tests.end_to_end.conftest import Sweep

pytestmark = pytest.mark.slow


def checkpoint_of(run: str) -> Path:
    with opened(ExportRequest(run, None, None, None, [], {})) as source:
        return source.checkpoint


def test_what_a_sweep_chose_is_exported_by_its_name(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its folder and the id of its run name the same checkpoint."""
    done = sweep.run("search.n_trials=2", "fit.epochs=1", "space.fit.batch_size.values=[8,16]")
    assert done.returncode == 0, done.stdout + done.stderr
    exported = sweep.slimtune("export", "--run", "mine", "--out", "out", "export.variants=[]")
    assert exported.returncode == 0, exported.stdout + exported.stderr
    manifest = json.loads((sweep.folder / "out" / "bundle" / "manifest.json").read_text())
    chosen = manifest["source_checkpoint"]
    assert manifest["sweep"] == "mine"
    # as the sweep told at its end
    told = "".join(done.stdout.split())
    assert "".join(chosen.split()) in told
    monkeypatch.chdir(sweep.folder)
    (parent,) = sweep.runs("sweep")
    for name in ("mine", "outputs/mine", parent.info.run_id):
        assert str(checkpoint_of(name)) == chosen
