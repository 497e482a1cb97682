"""Which values a score can have, where that is known of its metric, and how many rows it is from the best one."""

import math
from typing import NamedTuple

from slimtune.training.config.task import METRIC_KEYS, TaskConfig


class ScoreRange(NamedTuple):
    """Least and greatest value, both among those that it can have unless infinite."""

    least: float
    most: float

    def holds(self, value: float) -> bool:
        """Whether a score can be that."""
        return self.least <= value <= self.most

    @property
    def width(self) -> float:
        """How far two scores can be apart."""
        return self.most - self.least

    def best(self, *, maximize: bool) -> float | None:
        """The value that none is better than; None if there is none."""
        end = self.most if maximize else self.least
        return end if math.isfinite(end) else None

    def told(self) -> str:
        """In words."""
        return f"{self.least:g} or more" if math.isinf(self.most) else f"{self.least:g} to {self.most:g}"


SHARE = ScoreRange(0, 1)
# of other metrics and scores of ours
OTHERS = {"bleu": ScoreRange(0, 100), "chrf": ScoreRange(0, 100), "perplexity": ScoreRange(1, math.inf)}
OTHERS |= {"spearman": ScoreRange(-1, 1), "best_threshold": ScoreRange(-1, 1)}
# the mean over the rows of whether an answer is right
SHARES_OF_ROWS = ("accuracy", "exact_match", "subset_accuracy", "best_threshold_accuracy")
# a baseline that leaves no more rows to be better in asks for more than its score says
FEW_ROWS = 2
# what leaves more of them
MORE_ROWS = "train with more rows, or with more of them in validation (data.validation_share, data.validation_file)"


def score_range(name: str, task: TaskConfig) -> ScoreRange | None:
    """That of a score; None for those of the user's own metrics and losses.

    Args:
        name: Of the score, e.g. `f1_macro`.
        task: What says which metrics are computed.
    """
    if name == "loss":
        return ScoreRange(0, math.inf) if task.loss is None else None
    is_ours = any(name in METRIC_KEYS.get(metric, ()) for metric in task.metrics)
    return OTHERS.get(name, SHARE) if is_ours else None


def is_best(score: float, best: float, *, maximize: bool) -> bool:
    """Whether none can have a better score: the best one that a model can have, or one that only a baseline has."""
    # what divides may miss it by a rounding
    is_past = score > best if maximize else score < best
    return is_past or math.isclose(score, best, abs_tol=1e-9)


def rows_of_room(metric: str, score: float, num_rows: int) -> int | None:
    """Rows that are not right at a score; a better model has at least one of them right.

    Args:
        metric: What the score is of.
        score: Between 0 and 1.
        num_rows: What it was measured on.

    Returns:
        None where the metric is no share of rows, or the score is none of so many.

    Example:
        >>> rows_of_room("accuracy", 0.96, 25), rows_of_room("f1_macro", 0.96, 25)
        (1, None)
    """
    if metric not in SHARES_OF_ROWS or not math.isfinite(score):
        return None
    right = round(score * num_rows)
    return num_rows - right if math.isclose(right, score * num_rows, abs_tol=1e-3) else None


def who_beats(room: int) -> str:
    """Which models are better than one that leaves one or two rows of room."""
    return "a model without a mistake" if room == 1 else "a model with at most one mistake"
