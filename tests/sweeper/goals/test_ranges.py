"""What no score can be is no bound, no target and no tolerance."""

import re
from types import SimpleNamespace
from typing import Any

import pytest

from slimtune.export.promotion.config import promotion_config
from slimtune.sweeper.goals.ranges import gain_problems, range_problems
from slimtune.training.config.score_range import score_range
from slimtune.training.metrics.load import OURS, load_metric
from tests.training.metrics.examples import EXAMPLES

TASK: Any = SimpleNamespace(metrics=["accuracy", "f1"], metric="accuracy", loss=None)
REFUSED = [
    ({"constraints": {"accuracy": {"min": 80}}}, "search.constraints.accuracy.min is 80, .* 0 to 1; .*, e.g. 0.8"),
    ({"constraints": {"accuracy": {"max": -0.5}}}, "search.constraints.accuracy.max is -0.5"),
    ({"constraints": {"size_mb": {"max": -1}}}, "size_mb is a number of 0 or more"),
    ({"target": 90}, r"search.target is 90, but accuracy .*, e\.g\. 0\.9"),
    ({"target": {"accuracy": 2}}, "search.target.accuracy is 2"),
    ({"target": -1, "objectives": [{"metric": "latency_ms"}, "accuracy"]}, "search.target is -1, but latency_ms"),
    ({"target": -1, "objectives": ["loss"]}, "search.target is -1, but loss"),
    ({"pick": {"best": "accuracy", "within": {"f1_macro": 2}}}, "search.pick.within.f1_macro is 2"),
]
TAKEN: list[dict[str, Any]] = [
    {"constraints": {"accuracy": {"min": 0, "max": 1}, "loss": {"max": 5}, "size_mb": {"max": 30}}, "target": 0.9},
    {"constraints": {"of_ones_own": {"min": 80}}, "target": {"of_ones_own": -4}},
    {"constraints": {"accuracy": 3}, "target": "x", "objectives": 4, "pick": "knee"},
    {},
]


@pytest.mark.parametrize(("values", "said"), REFUSED)
def test_a_number_beyond_the_range_is_told_with_it(values: dict[str, Any], said: str) -> None:
    (problem,) = range_problems(values, TASK)
    assert re.search(said, problem)


@pytest.mark.parametrize("values", TAKEN)
def test_others_pass(values: dict[str, Any]) -> None:
    assert range_problems(values, TASK) == []


@pytest.mark.parametrize("metric", OURS)
def test_the_best_rows_are_within_the_range_and_reach_its_end(metric: str) -> None:
    task: Any = SimpleNamespace(metrics=[metric], loss=None)
    for name, score in load_metric(metric).compute(EXAMPLES[metric], EXAMPLES[metric], None).items():
        known = score_range(name, task)
        assert known is not None
        assert known.least <= score <= known.most + 1e-9
        # BLEU is 0 without four words in a row
        assert name in ("best_threshold", "bleu") or score == pytest.approx(known.most)


def test_nothing_is_known_of_ones_own_metric_or_loss() -> None:
    task: Any = SimpleNamespace(metrics=["mine.accuracy"], loss={"_target_": "mine.Loss"})
    assert score_range("accuracy", task) is None
    assert score_range("loss", task) is None


def test_a_gain_that_no_model_can_have_is_told() -> None:
    """Every model would be refused after its search."""
    (problem,) = gain_problems(promotion_config(["promotion.min_gain=2"]), TASK)
    assert problem.startswith("promotion.min_gain is 2, but accuracy is a number of 0 to 1, so that no model passes")
    assert problem.endswith("e.g. 0.02")
    for taken in ("promotion.min_gain=1", "promotion.min_gain=null"):
        assert gain_problems(promotion_config([taken]), TASK) == []
    assert (
        gain_problems(promotion_config(["promotion.min_gain=2"]), SimpleNamespace(**{**vars(TASK), "metric": "own"}))
        == []
    )
    assert gain_problems(None, TASK) == []
