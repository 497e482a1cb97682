import subprocess
import sys
from pathlib import Path

import pytest

from slimtune.export.pipeline import ExportResult
from slimtune.export.registry.aliases import set_alias
from slimtune.export.registry.mlflow_registry import fetch, fetch_folder, holder, register
from slimtune.export.registry.version_notes import versions_of_run
from slimtune.sweeper.cli import main
from slimtune.training.config.tracking import mlflow_at
from slimtune.training.errors import ModelError
from slimtune.training.tracking.mlflow_runs import Tracker, client_of
from slimtune.training.trial import Lineage


@pytest.fixture
def uri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    return f"sqlite:///{tmp_path / 'mlruns' / 'mlflow.db'}"


@pytest.fixture
def run_id(uri: str, tmp_path: Path) -> str:
    config = mlflow_at(uri)
    lineage = Lineage(
        experiment="e", kind="export", name="e", parent_run_id=None, run_id=None, sampled={}, folder=tmp_path
    )
    run_id = Tracker(config, "e").start(lineage).run_id
    assert run_id is not None
    return run_id


@pytest.mark.slow
def test_a_version_is_registered_and_used(
    exported: ExportResult, uri: str, run_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the bundle to the registry and back, by version and by alias."""
    assert exported.bundle is not None
    first = register(uri, exported.bundle, "tiny", run_id=run_id)
    assert holder(uri, "tiny", "champion") is None
    assert set_alias(uri, first, "champion") is None
    champion = holder(uri, "tiny", "champion")
    assert champion is not None
    assert champion.manifest == exported.bundle.manifest
    assert main(["predict", "--model", "models:/tiny@champion", "--text", "bad soup"]) == 0
    told = capsys.readouterr()
    assert told.out.startswith("minus\t")
    assert "models:/tiny@champion is version 1" in told.err
    assert register(uri, exported.bundle, "tiny", run_id=run_id) == first, "the same bundle is one version"
    version = client_of(uri).get_model_version("tiny", "1")
    assert version.tags["variant"] == exported.bundle.manifest.variant
    assert version.tags["source_run"] == "abc"
    assert versions_of_run(uri, "abc") == versions_of_run(uri, run_id) == [first]
    assert "same answer" in version.description
    with pytest.raises(ModelError, match="registered models: tiny"):
        fetch(uri, "models:/tin@champion")
    for unknown in ("models:/tiny@chempion", "models:/tiny/7"):
        with pytest.raises(ModelError, match=r"; tiny has version 1 and the alias champion \(version 1\)"):
            fetch(uri, unknown)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_mlflow_loads_the_version_as_a_pyfunc(exported: ExportResult, uri: str, run_id: str) -> None:
    """What `mlflow models serve` loads answers to a data frame of texts."""
    import mlflow
    import pandas

    assert exported.bundle is not None
    version = register(uri, exported.bundle, "tiny", run_id=run_id)
    mlflow.set_tracking_uri(uri)
    model = mlflow.pyfunc.load_model(version.uri)
    answer = model.predict(pandas.DataFrame({"text": ["good soup", "awful table"]}))
    assert list(model.predict(model.input_example)) == ["prediction", "probability", "label"]
    assert answer["prediction"].tolist() == ["plus", "minus"]


# in a process of its own, as a server is: nothing has imported slimtune before
OPENED = """
import sys
import mlflow, pandas
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model(sys.argv[2])
print(model.predict(pandas.DataFrame({"text": ["good soup"]}))["prediction"].tolist())
import slimtune
print(slimtune.__file__)
"""


@pytest.mark.slow
def test_a_version_has_slimtune_as_one_archive_and_is_answered_by_it(
    exported: ExportResult, uri: str, run_id: str
) -> None:
    """A server downloads each file by itself, of which there were eight hundred."""
    assert exported.bundle is not None
    version = register(uri, exported.bundle, "tiny", run_id=run_id)
    folder = fetch_folder(uri, version.uri).parent.parent
    code = sorted(path.relative_to(folder).as_posix() for path in (folder / "code").rglob("*") if path.is_file())
    assert code == ["code/slimtune.zip", "code/slimtune_served.py"]
    command = [sys.executable, "-W", "ignore", "-c", OPENED, uri, version.uri]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder)
    answer, place = done.stdout.splitlines()[-2:]
    assert answer == "['plus']"
    assert "slimtune.zip" in place
