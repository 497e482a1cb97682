"""What a task function of somebody's own reports of its trial."""

import math
from typing import Any

import numpy as np
import pytest

from slimtune.sweeper.search.trials.task_runner import CurrentTrial
from slimtune.training.trial import Report, Verdict


class FakeTrial:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.steps: list[Any] = []

    def report(self, step: int, report: Report) -> Verdict:
        self.steps.append(step)
        return Verdict(stop=False)

    def pulse(self) -> None:
        return None


def test_a_step_is_a_whole_number_of_any_library() -> None:
    trial: Any = FakeTrial()
    for step in (0, 3, 4.0, np.int64(5)):
        CurrentTrial(trial).report(0.5, step)  # type: ignore[arg-type]
    assert trial.steps == [0, 3, 4, 5]
    assert all(type(step) is int for step in trial.steps)


@pytest.mark.parametrize("step", [0.5, math.nan, math.inf, -1, "soon", None, True])
def test_another_step_is_refused_before_it_is_written(step: Any) -> None:
    """A study with one cannot be read any more."""
    trial: Any = FakeTrial()
    with pytest.raises(ValueError, match=r"^the step is .*; use a whole number, 0 or more$"):
        CurrentTrial(trial).report(0.5, step)
    assert trial.steps == []
