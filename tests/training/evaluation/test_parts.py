import math

from slimtune.training.evaluation.parts import part_scores
from slimtune.training.evaluation.score import Evaluation
from slimtune.training.metrics import Measure, Tally


def right(tally: Tally) -> dict[str, float]:
    """The share of answers that are right; a part with no right answer has no score."""
    columns = tally.columns
    share = sum(map(int.__eq__, columns["prediction"], columns["reference"])) / len(tally)
    return {"right": share or math.nan}


MEASURE = Measure(keys=("right",), compute=right, needs=("prediction", "reference"))


def test_each_part_has_its_own_rows_and_windows_of_one_example_stay_together() -> None:
    columns = {"row": range(6), "prediction": [1, 1, 0, 1, 1, 1], "reference": [1] * 6}
    evaluation = Evaluation({"right": 5 / 6}, Tally.of(**columns), None)
    assert part_scores(evaluation, [MEASURE], "right", num_parts=3) == [1.0, 1.0, 0.5]
    windows = Evaluation({"right": 5 / 6}, Tally.of(**columns, example=[0, 0, 1, 2, 2, 3]), None)
    assert part_scores(windows, [MEASURE], "right", num_parts=20) == [1.0, 0.5]


def test_what_nobody_asks_for_is_not_computed() -> None:
    assert part_scores(Evaluation({}, Tally(), None), [], "right", num_parts=0) == []
