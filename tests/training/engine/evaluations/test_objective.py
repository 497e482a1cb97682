import math

import pytest

from slimtune.training.config.task import ClassificationTask, Direction
from slimtune.training.engine.evaluations.objective import objective_of
from slimtune.training.errors import ConfigError, Diverged
from slimtune.training.metrics import Measure, mean_loss, measure_of

OURS = (mean_loss(), measure_of("accuracy"))
OWN = Measure(("cost",), lambda _: {"cost": math.nan}, ("prediction",), "mine.cost")
# its scores are known by what it gives
SEVERAL = Measure(("scores",), lambda _: {"cost": math.nan}, ("prediction",), "mine.scores")


def task(metric: str, direction: Direction = Direction.maximize) -> ClassificationTask:
    return ClassificationTask(
        name="classification",
        metrics=["accuracy", "mine.cost"],
        metric=metric,
        direction=direction,
        loss=None,
        labels=None,
        multi_label=False,
        class_weights=None,
    )


@pytest.mark.parametrize("own", [OWN, SEVERAL])
@pytest.mark.parametrize("score", [math.nan, math.inf])
def test_ones_own_metric_without_a_number_is_named_and_not_called_diverged(own: Measure, score: float) -> None:
    scores = {"loss": 0.5, "accuracy": 0.25, "cost": score}
    told = rf"task\.metrics has '{own.own}', which gives no number on the validation rows after 64 examples, where the"
    with pytest.raises(ConfigError, match=told):
        objective_of(scores, task("cost"), (*OURS, own), 64)


def test_with_a_loss_that_is_no_number_the_trial_has_diverged() -> None:
    scores = {"loss": math.nan, "accuracy": 0.25, "cost": math.nan}
    with pytest.raises(Diverged, match="validation cost is not a number, the loss nan"):
        objective_of(scores, task("cost"), (*OURS, OWN), 64)


@pytest.mark.parametrize(("direction", "score"), [(Direction.maximize, -math.inf), (Direction.minimize, math.inf)])
def test_the_worst_of_scores_may_be_infinite(direction: Direction, score: float) -> None:
    assert objective_of({"loss": 0.5, "cost": score}, task("cost", direction), (*OURS, OWN), 64) == score
