"""Names of the classes of a third-party model, in the order of their ids."""

from collections.abc import Sequence
from typing import Any

from slimtune.training.config.task import ClassificationTask, ExtractionTask, TaskConfig
from slimtune.training.data.examples import Example
from slimtune.training.data.label_cells import label_name
from slimtune.training.data.splits import RowSplits
from slimtune.training.errors import ConfigError, DataError, ModelError
from slimtune.training.listed_names import with_commas
from slimtune.training.models.head_classes import are_unnamed

OUTSIDE = "O"
# as transformers says it
MULTI_LABEL = "multi_label_classification"


def class_names_of(task: TaskConfig, settings: Any, splits: RowSplits) -> tuple[str, ...]:
    """Those that the config gives or the model's own; empty where the task has none.

    Args:
        task: The task's config.
        settings: transformers' config of the model, or of an adapter's base.
        splits: The rows, whose labels must be among them.

    Raises:
        ConfigError: `task.labels` contradicts the model.
        ModelError: The model's tags are not those of the task.
        DataError: Rows have other labels.
    """
    examples = [*splits.train, *splits.validation, *splits.test]
    names = [str(settings.id2label[number]) for number in sorted(settings.id2label)]
    match task:
        case ClassificationTask():
            found = {label for one in examples for label in _row_labels(one, multi_label=task.multi_label)}
            return _checked(_chosen(task, settings, names), found, names)
        case ExtractionTask(labels=given):
            found = {span.label for one in examples for span in one.spans}
            return _checked(_types(given, names), found, names)
        case _:
            return ()


def _row_labels(example: Example, *, multi_label: bool) -> Sequence[str]:
    return example.labels if multi_label else (example.label,)


def _chosen(task: ClassificationTask, settings: Any, names: list[str]) -> list[str]:
    if settings.problem_type == MULTI_LABEL and not task.multi_label:
        raise ConfigError(["the model was trained with several labels a text; use task=multi_label"])
    given = task.labels
    if given is None:
        return names
    if sorted(given) == sorted(names) and given != names:
        raise ConfigError(
            [f"task.labels is {given}, and the model has them in the order {names}; leave task.labels null"]
        )
    return given


def _types(given: list[str] | None, tags: list[str]) -> list[str]:
    """Types of spans whose tags, by slimtune's order, are the model's.

    Raises:
        ModelError: They are in another order, or of another scheme.
    """
    unnamed = are_unnamed(tags)
    types = given or ([] if unnamed else list(dict.fromkeys(tag[2:] for tag in tags if tag != OUTSIDE)))
    own = [OUTSIDE, *(f"{prefix}-{name}" for name in types for prefix in "BI")]
    if tags != own and not (unnamed and given):
        raise ModelError(
            f"the model's tags are {with_commas(tags)}; task=extraction has O, then B- and I- of each type, and here "
            f"{with_commas(own)}: give the types of unnamed tags by task.labels, or train a head with such tags"
        )
    return types


def _checked(labels: list[str], found: set[str], names: list[str]) -> tuple[str, ...]:
    unknown = sorted(found - set(map(label_name, labels)))
    if not unknown:
        return tuple(labels)
    if are_unnamed(labels):
        raise DataError(
            f"the rows have the label '{unknown[0]}', and the model does not name its classes ({with_commas(names)}); "
            "name them in the order of their ids, e.g. 'task.labels=[no,yes]'"
        )
    raise DataError(f"the rows have the label '{unknown[0]}', which the model lacks; it has {with_commas(labels)}")
