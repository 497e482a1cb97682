"""That `task.metric` cannot have its most on these labels, and another one can."""

from collections.abc import Sequence

from slimtune.training.config.task import SimilarityTask, TaskConfig
from slimtune.training.data.examples import Example
from slimtune.training.data.label_cells import score_range_setting
from slimtune.training.tasks.similarity import score_range_of
from slimtune.training.tracking.display import warned

ZERO_ONE = {0.0, 1.0}


def reach_notes(task: TaskConfig, best: float | None, examples: Sequence[Example]) -> list[str]:
    """A note with the best value that a model can have on validation rows, and what to go by.

    Args:
        task: What the search goes by.
        best: That value, if it is known.
        examples: The rows.
    """
    if best is None or best > 1 - 1e-9 or not examples:
        return []
    told = f"{task.metric} of a model is {best:.3f} at most on these validation rows"
    if task.metric == "f1_samples":
        bare = sum(not one.labels for one in examples)
        why = f"rows without any label ({bare:,} of {len(examples):,}) add 0 to it; f1_micro has no such bound"
        return [warned(f"{told}: {why} (task.metric=f1_micro)")]
    labels = {float(one.label) for one in examples} if isinstance(task, SimilarityTask) else set()
    if task.metric != "spearman" or len(labels) != 2:
        return []
    low, high = (_as_written(label, task) for label in sorted(labels))
    alike = "" if labels == ZERO_ONE else f" {_two_labels(task, low, high)}"
    why = f"they have two labels, {high:g} and {low:g}, and its cosines of pairs with one label differ"
    return [warned(f"{told}: {why}; set task.metric=average_precision{alike}, whose best value is 1")]


def _as_written(label: float, task: TaskConfig) -> float:
    """A label as the rows have it."""
    low, high = score_range_of(task) or (0.0, 1.0)
    return low + label * (high - low)


def _two_labels(task: TaskConfig, low: float, high: float) -> str:
    """What makes two labels 0 and 1."""
    if score_range_of(task) is None:
        return f"task.alike_label={high:g}"
    return score_range_setting((low, high))
