"""The types of a task's config. Values live in `conf/task/`; nothing here has a default."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from slimtune.training.config.near_names import nearest_name
from slimtune.training.config.schema import (
    Parsed,
    Rule,
    above_zero,
    not_negative,
    option_suggestion,
    parse_section,
    suggestion,
    with_stand_ins,
)


class Direction(Enum):
    """Whether more or less of a metric is better."""

    maximize = "maximize"
    minimize = "minimize"


class Pooling(Enum):
    """How token vectors become one vector of the text."""

    mean = "mean"
    cls = "cls"
    last = "last"


def is_label(value: Any) -> bool:
    """Whether a value may be the label of a row."""
    return isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value))


def is_range(value: Any) -> bool:
    """Whether numbers are two finite ones, the first below the second."""
    return len(value) == 2 and all(map(math.isfinite, value)) and value[0] < value[1]


# what each metric of our own gives
METRIC_KEYS: dict[str, tuple[str, ...]] = {
    "accuracy": ("accuracy",),
    "f1": ("f1_macro", "f1_micro", "f1_weighted"),
    "multilabel_f1": ("f1_macro", "f1_micro", "f1_weighted", "f1_samples", "subset_accuracy"),
    "perplexity": ("perplexity",),
    "exact_match": ("exact_match",),
    "bleu": ("bleu",),
    "chrf": ("chrf",),
    "rouge": ("rouge1", "rouge2", "rougeL", "rougeLsum"),
    "entity_f1": ("precision", "recall", "f1", "f1_macro"),
    "spearman": ("spearman",),
    "pair_scores": ("average_precision", "best_threshold_accuracy", "best_threshold"),
}
LESS_IS_BETTER = ("loss", "perplexity")
# those of ours that a task's answers are fit for
FITTING: dict[str, tuple[str, ...]] = {
    "classification": ("accuracy", "f1"),
    "generation": ("perplexity", "exact_match", "bleu", "chrf", "rouge", "accuracy", "f1"),
    "language_modelling": ("perplexity",),
    "extraction": ("entity_f1",),
    "similarity": ("spearman", "pair_scores"),
}
FITTING |= dict.fromkeys(("summarization", "translation"), FITTING["generation"])


@dataclass(slots=True, kw_only=True)
class TaskConfig:
    """What every task has.

    Attributes:
        name: The kind of task.
        metric: Validation metric that early stopping, the best checkpoint and the search go by.
        direction: Whether more or less of it is better; known of our own scores, to be said of a metric of your own.
        metrics: What is measured beside the loss: our own names, `hub:<name>`, or the dotted path of an
            `evaluate.Metric` or of a function of predictions, references and, if it takes them, rows; what these are
            for each task (a class is a number, not its name, and has no probability: `loss` is the cross entropy) is
            told in examples/custom/README.md.
        loss: `{_target_: <dotted path>, ...}` of a loss of your own; null takes the task's.
    """

    name: str
    metric: str
    direction: Direction
    metrics: list[str]
    loss: Any

    @property
    def maximize(self) -> bool:
        """Whether more of the metric is better."""
        return self.direction is Direction.maximize

    @property
    def smooths_labels(self) -> bool:
        """Whether the loss spreads a share of the target probability over all classes."""
        return self.loss is None


@dataclass(slots=True, kw_only=True)
class ClassificationTask(TaskConfig):
    """One label a text, or several.

    Attributes:
        labels: Label names in the order of their ids; null takes the sorted labels of the training data.
        multi_label: Whether a text has any number of labels.
        class_weights: `balanced`, a weight by label, or null.
    """

    labels: list[str] | None
    multi_label: bool
    class_weights: Any

    @property
    def smooths_labels(self) -> bool:
        """As the base says; not with several labels."""
        return self.loss is None and not self.multi_label


@dataclass(slots=True, kw_only=True)
class GenerationTask(TaskConfig):
    """Text from text, by a causal or an encoder-decoder model: generation, summarization, translation.

    Attributes:
        train_on_prompt: Whether the prompt's tokens count in the loss too (causal models).
        max_new_tokens: Longest generated answer in tokens.
        num_beams: Beams of the search for the answer; 1 is greedy.
        eval_rows: Held-out rows, drawn by `data.seed`, that text is generated for at an evaluation; 0 generates none.
    """

    train_on_prompt: bool
    max_new_tokens: int = field(metadata=above_zero(64))
    num_beams: int = field(metadata=above_zero(1))
    eval_rows: int = field(metadata=not_negative(64))


@dataclass(slots=True, kw_only=True)
class LanguageModellingTask(TaskConfig):
    """The next token of plain text."""


@dataclass(slots=True, kw_only=True)
class ExtractionTask(TaskConfig):
    """Spans of a text and their types, by token classification.

    Attributes:
        labels: Types of spans; null takes those of the training data, sorted.
        stride: Tokens that two windows of a row longer than `data.max_length` share.
    """

    labels: list[str] | None
    stride: int = field(metadata=above_zero(32))


@dataclass(slots=True, kw_only=True)
class SimilarityTask(TaskConfig):
    """How alike two texts are, by the cosine of their vectors.

    Attributes:
        pooling: How token vectors become one vector of the text.
        alike_label: Of two labels, the one of pairs that are alike, e.g. 0, or duplicate: the other one is of pairs
            that differ. Null takes labels for numbers, the larger the more alike.
        score_range: `[low, high]`, the numbers of the label column that stand for not alike and for alike, e.g.
            `[0, 5]`: labels are read as shares of it, 0 to 1, for the loss and for scores. Null takes them as they are.
    """

    pooling: Pooling
    alike_label: Any = field(metadata={"rule": Rule("use one of the labels, e.g. 0 or duplicate", is_label)})
    score_range: list[float] | None = field(
        metadata={"rule": Rule("use two numbers, that of not alike below that of alike, e.g. [0, 5]", is_range)}
    )

    @property
    def smooths_labels(self) -> bool:
        """False."""
        return False


@dataclass(slots=True, kw_only=True)
class CustomTask(TaskConfig):
    """A task of the user's own.

    Attributes:
        name: Dotted path of a class with `make(config, train, labels)` and all of
            `slimtune.training.tasks.Task`, as `examples/custom/regression.py` has them.
        options: Whatever it needs.
    """

    options: Any


TASK_SECTIONS: dict[str, type[TaskConfig]] = {
    "classification": ClassificationTask,
    "generation": GenerationTask,
    "summarization": GenerationTask,
    "translation": GenerationTask,
    "language_modelling": LanguageModellingTask,
    "extraction": ExtractionTask,
    "similarity": SimilarityTask,
}


def parse_task(values: Any) -> Parsed[TaskConfig]:
    """The section of a task, or every problem in it."""
    name = values.get("name") if isinstance(values, Mapping) else values
    is_own = isinstance(name, str) and "." in name
    if not isinstance(name, str) or (name not in TASK_SECTIONS and not is_own):
        return Parsed(None, [f"task.name is {name!r}; {option_suggestion(str(name), TASK_SECTIONS)}"])
    section_type = CustomTask if is_own else TASK_SECTIONS[str(name)]
    is_said = not isinstance(values, Mapping) or values.get("direction", "") is not None
    given = values if is_said else with_stand_ins(values, {"direction": _way(values.get("metric")).value})
    parsed: Parsed[TaskConfig] = parse_section(section_type, given, "task", choices=TASK_SECTIONS)
    problems = parsed.problems or _metric_problems(parsed.section, is_said=is_said)
    return Parsed(None if problems else parsed.found, problems)


def scores_of(metrics: Sequence[str]) -> list[str]:
    """The scores that the metrics give; one of the user's own gives at least its own name."""
    keys = ["loss"]
    for name in metrics:
        keys += METRIC_KEYS.get(name, (name.rpartition(".")[-1].rpartition(":")[-1],))
    return keys


def known_direction(score: Any) -> Direction | None:
    """Which way a score of ours is better; None of all others."""
    if score in LESS_IS_BETTER:
        return Direction.minimize
    return Direction.maximize if any(score in keys for keys in METRIC_KEYS.values()) else None


def _way(score: Any) -> Direction:
    """Any, where it is not known: a problem says so."""
    return known_direction(score) or Direction.maximize


def _metric_problems(task: TaskConfig, *, is_said: bool) -> list[str]:
    problems = []
    for name in task.metrics:
        if name not in METRIC_KEYS and "." not in name and ":" not in name:
            problems.append(f"task.metrics has '{name}'; {suggestion(name, METRIC_KEYS)}")
        elif name in METRIC_KEYS and name not in fitting_metrics(task):
            problems.append(f"task.metrics has '{name}', which is none of {', '.join(fitting_metrics(task))}")
        elif name not in METRIC_KEYS and isinstance(task, LanguageModellingTask):
            problems.append(f"task.metrics has '{name}', and next tokens are no answers to compare; use perplexity")
    problems += _shared_names(task.metrics)
    known = scores_of(task.metrics)
    has_own = any(name not in METRIC_KEYS for name in task.metrics)
    if task.metric not in known and not has_own:
        near = nearest_name(task.metric, known)
        more = f"did you mean '{near}'?" if near else f"task.metrics gives {', '.join(known)}"
        problems.append(f"task.metric is '{task.metric}'; {more}")
    elif (fitting := known_direction(task.metric)) is None:
        if not is_said:
            ways = " or ".join(way.value for way in (Direction.minimize, Direction.maximize))
            problems.append(f"task.metric is {task.metric}, a metric of your own; say task.direction={ways}")
    elif not is_said or task.direction is not fitting:
        said = task.direction.value if is_said else "null"
        problems.append(f"task.direction is {said}, but task.metric is {task.metric}; use {fitting.value}")
    if isinstance(task, GenerationTask) and task.eval_rows == 0 and task.metric not in LESS_IS_BETTER:
        problems.append(f"task.eval_rows is 0, but task.metric is {task.metric}, which is of generated text; use 64")
    if isinstance(task, SimilarityTask):
        problems += _pair_problems(task)
    if isinstance(task, ClassificationTask) and task.class_weights is not None and (task.multi_label or task.loss):
        problems.append("task.class_weights goes with neither task.multi_label nor task.loss; use null")
    if task.loss is not None and not (isinstance(task.loss, Mapping) and isinstance(task.loss.get("_target_"), str)):
        problems.append(
            f"task.loss is {task.loss!r}; use {{_target_: package.module.Loss}} with its arguments, or null"
        )
    return problems


def _pair_problems(task: SimilarityTask) -> Iterator[str]:
    if task.loss is None:
        yield "task.loss is null; similarity needs one, e.g. slimtune.training.tasks.pair_losses.ContrastiveLoss"
    if task.score_range is not None and task.alike_label is not None:
        yield (
            f"task.score_range is {task.score_range}, of numbers that say how alike texts are, and task.alike_label is "
            f"{task.alike_label}, one of two labels; use null for one of them"
        )


def _shared_names(metrics: Sequence[str]) -> Iterator[str]:
    """A sentence for each function of the user's own that is called like a score of ours, or like another's.

    Its score would be shown, compared and promoted by as if it were the other one.
    """
    given_by: dict[str, str] = {}
    for name in dict.fromkeys(metrics):
        is_path = name not in METRIC_KEYS and ":" not in name
        for score in scores_of([name])[1:]:
            if is_path and (score == "loss" or known_direction(score) is not None):
                repair = f"give the function another name, e.g. my_{score}"
                yield f"task.metrics has '{name}', and {score} is a score of slimtune's own; {repair}"
            elif score in given_by:
                yield f"task.metrics has '{given_by[score]}' and '{name}', which both give {score}; keep one of them"
            given_by[score] = name


def fitting_metrics(task: TaskConfig) -> tuple[str, ...]:
    """Metrics of ours that the task's answers are fit for."""
    if isinstance(task, ClassificationTask) and task.multi_label:
        return ("multilabel_f1",)
    return FITTING.get(task.name, tuple(METRIC_KEYS))
