"""Event files as TensorBoard itself reads them."""

from dataclasses import replace
from pathlib import Path

import pytest

from slimtune.training.tracking.beside.both_runs import FOLDER, BothRuns, opened_beside
from slimtune.training.tracking.beside.tensorboard_run import TensorBoardRun
from slimtune.training.tracking.run import MetricPoint, NullRun
from tests.conftest import make_lineage
from tests.training.tracking.test_mlflow_runs import config_at

pytest.importorskip("tensorboard")


class KeptRun(NullRun):
    def __init__(self) -> None:
        self.points: list[MetricPoint] = []
        self.state = ""

    def log_points(self, points: list[MetricPoint]) -> None:
        self.points += points

    def end(self, *, state: str, failed: bool = False) -> None:
        self.state = state


POINTS = [MetricPoint("validation/loss", 0.5, 100, 5000), MetricPoint("objective", 0.25, 100, 5000)]


def test_curves_config_and_sampled_values_are_in_the_event_files(tmp_path: Path) -> None:
    """And all of it in the tracker too."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    first = KeptRun()
    lineage = replace(make_lineage(tmp_path), sampled={"fit.learning_rate": 0.1, "method": "lora"})
    config = replace(config_at(tmp_path), tensorboard=True)
    run = opened_beside(lambda: first, config, lineage)
    run.log_text("fit:\n  epochs: 3\n", "config.yaml")
    run.log_points(POINTS)
    run.log_metrics({"best/accuracy": 0.25, "fit/seconds": 3.0})
    run.end(state="complete")
    assert (first.points, first.state) == (POINTS, "complete")
    read = EventAccumulator(str(tmp_path / FOLDER))
    read.Reload()
    (point,) = read.Scalars("validation/loss")
    assert (point.step, point.value, point.wall_time) == (100, 0.5, 5.0)
    assert {"objective", "best/accuracy"} <= set(read.Tags()["scalars"])
    assert "fit/seconds" not in read.Tags()["scalars"]


def test_what_cannot_be_written_there_does_not_touch_the_tracker(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(TensorBoardRun):
        def log_points(self, points: list[MetricPoint]) -> None:
            raise OSError("no space left on device")

    first = KeptRun()
    run = BothRuns(first, {"TensorBoard": lambda: Broken(tmp_path, {})})
    run.log_points(POINTS)
    run.log_points(POINTS)
    assert first.points == [*POINTS, *POINTS]
    assert [record.getMessage() for record in caplog.records].count(
        "TensorBoard gets no more of this trial: no space left on device"
    ) == 1
