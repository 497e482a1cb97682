"""From a wheel to a registered model, with nothing of the checkout at hand."""

import json
from pathlib import Path

import pytest

from tests.packaging.environment import Environment

pytestmark = pytest.mark.slow

SERVE = """
import importlib.util, json, warnings
assert importlib.util.find_spec("slimtune") is None
import mlflow, pandas
mlflow.set_tracking_uri("sqlite:///mlruns/mlflow.db")
warnings.simplefilter("ignore")
model = mlflow.pyfunc.load_model("models:/tone-classifier@champion")
answers = model.predict(pandas.DataFrame({"text": ["Oh great, another meeting.", "Well done!"]}))
import slimtune
print(json.dumps([answers["label"].tolist(), slimtune.__file__]))
"""


@pytest.fixture(scope="module")
def swept(
    wheel_environment: Environment, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """The folder of a sweep, and what it printed."""
    folder = tmp_path_factory.mktemp("swept")
    few = ["search.n_trials=2", "search.rerun_seeds=0", "fit.max_steps=4", "fit.slots=1", "fit.threads=1"]
    short = [f"model.name_or_path={tiny_model}", "data.cache_dir=cache", "data.max_length=32"]
    # after four steps nothing beats a bag of words
    export = ["export.variants=[fp16]", "promotion.beats_baseline=false"]
    return folder, wheel_environment.slimtune("sweep", "experiment=tone", *few, *short, *export, cwd=folder)


def test_a_sweep_runs_from_the_wheel_alone(swept: tuple[Path, str]) -> None:
    """Its configs, its corpus, the sweeper's plugin, the export and the registry."""
    _, output = swept
    assert "2 trials: 2 complete" in output
    assert "registered: tone-classifier version 1, alias champion" in output


def test_its_bundle_answers(swept: tuple[Path, str], wheel_environment: Environment, tmp_path: Path) -> None:
    folder, _ = swept
    bundle = folder / "outputs" / "tone" / "export" / "bundle"
    assert "\t" in wheel_environment.slimtune("predict", "--model", bundle, "--text", "Well done!", cwd=tmp_path)


def test_the_registered_model_brings_its_code_along(swept: tuple[Path, str], empty_environment: Environment) -> None:
    """A server has the dependencies, but neither the checkout nor slimtune installed."""
    folder, _ = swept
    labels, code = json.loads(empty_environment.run("-c", SERVE, cwd=folder).splitlines()[-1])
    assert len(labels) == 2
    assert Path(code).parts[-4:] == ("code", "slimtune.zip", "slimtune", "__init__.py")
