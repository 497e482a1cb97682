"""What `print` shows of what the public functions give: a line that a person reads."""

from pathlib import Path

import pytest

from slimtune.export.bundle.bundle import Bundle
from slimtune.export.bundle.manifest import BuiltFor
from slimtune.export.evaluation.evaluate_model import ModelScores
from slimtune.export.pipeline import ExportResult
from slimtune.sweeper.campaigns.sweep_result import ParetoPoint, SweepResult
from slimtune.sweeper.campaigns.trial_folder.result import TrainResult
from tests.export.conftest import make_manifest, make_report

REPORTS = [make_report("pytorch", 0.9), make_report("int8", 0.8)]
BUNDLE = Bundle(Path("exported") / "bundle", make_manifest(REPORTS, variant="int8"))
CPU = BuiltFor(
    name="cpu", provider="p", provider_options={}, static_batch=None, static_length=None, ran_on="p", note=None
)
PARETO = [ParetoPoint(number, {"n": number}, {"accuracy": 0.5}) for number in range(40)]


@pytest.mark.parametrize(
    ("result", "shown"),
    [
        (BUNDLE, "folder='exported/bundle', variant='int8'"),
        (ExportResult(REPORTS, REPORTS[1], BUNDLE, CPU), "chosen='int8', bundle='exported/bundle'"),
        (
            ModelScores({"accuracy": 0.5}, 900, {}, [{"text": "a"}] * 900, Path("made"), None),
            "scores={'accuracy': 0.5}, num_rows=900, source='made'",
        ),
        (
            SweepResult(3, {"n": 1}, 0.5, Path("made"), None, None, {}, PARETO),
            "trial=3, score=0.5, params={'n': 1}, checkpoint='made', bundle=None, registered=None",
        ),
        (TrainResult({"objective": 0.5}, Path("made"), None), "scores={'objective': 0.5}, checkpoint='made'"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_result_is_shown_in_a_line(result: tuple[object, ...], shown: str) -> None:
    assert shown in repr(result)
    assert repr(result).startswith(f"{type(result).__name__}(")
    assert len(repr(result)) < 200


def test_values_are_still_those_of_a_tuple() -> None:
    folder, manifest = BUNDLE
    assert (folder, manifest) == (BUNDLE.folder, BUNDLE.manifest)
