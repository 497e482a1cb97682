from collections.abc import Callable
from typing import Any

import pytest

from slimtune.sweeper.checks import problems_of
from slimtune.training.config.task import FITTING, METRIC_KEYS

ConfigOf = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (["task.metric=acuracy"], "task.metric is 'acuracy'; did you mean 'accuracy'?"),
        (["task.metrics=[accurcy]"], "task.metrics has 'accurcy'; did you mean 'accuracy'?"),
        (
            ["task.metric=loss", "task.direction=maximize"],
            "task.direction is maximize, but task.metric is loss; use minimize",
        ),
        (["task.direction=null"], "task.direction is null, but task.metric is accuracy; use maximize"),
        (["task.loss=mine"], "task.loss is 'mine'; use {_target_: package.module.Loss} with its arguments, or null"),
        (["task.name=clasification"], "task.name is 'clasification'; did you mean 'classification'?"),
        (["model.name_or_path=null"], "model.name_or_path and model.scratch: set one of them; the other is null"),
        (["data.text_template='{text} is'"], "data.text_template is '{text} is'; its last field must be"),
        (
            ["task=similarity", "fit.label_smoothing=0.1"],
            "fit.label_smoothing is 0.1, which this task's loss does not support",
        ),
        (["task=similarity", "task.loss=null"], "task.loss is null; similarity needs one"),
        (["task=extraction", "task.metrics=[accuracy]"], "task.metrics has 'accuracy', which is none of entity_f1"),
        (["task=summarization", "task.eval_rows=0"], "task.eval_rows is 0, but task.metric is rougeL"),
        (["task=multi_label", "task.class_weights=balanced"], "task.class_weights goes with neither"),
        (["task=generation", "model=tiny_llama"], "method.name is lora, but model.scratch draws its weights"),
        (
            ["task=generation", "task.num_beams=4", "export=onnx"],
            "task.num_beams is 4, but an exported model decodes greedily",
        ),
        (
            ["task=language_modelling", "export=onnx", "export.variants=[int8_static]"],
            "export.variants has int8_static, which is for encoders",
        ),
    ],
)
def test_each_problem_names_key_value_and_repair(config_of: ConfigOf, given: list[str], problem: str) -> None:
    problems = problems_of(config_of(*given))
    assert any(found.startswith(problem) for found in problems), problems


@pytest.mark.parametrize(
    ("metrics", "problem"),
    [
        ("accuracy,mine.accuracy", "'mine.accuracy', and accuracy is a score of slimtune's own; give the function"),
        ("mine.accuracy", "'mine.accuracy', and accuracy is a score of slimtune's own"),
        ("accuracy,mine.loss", "'mine.loss', and loss is a score of slimtune's own"),
        ("accuracy,mine.bleu", "'mine.bleu', and bleu is a score of slimtune's own"),
        ("accuracy,mine.cost,theirs.cost", "'mine.cost' and 'theirs.cost', which both give cost; keep one of them"),
        ("accuracy,hub:accuracy", "'accuracy' and 'hub:accuracy', which both give accuracy; keep one of them"),
    ],
)
def test_no_two_scores_have_one_name(config_of: ConfigOf, metrics: str, problem: str) -> None:
    """One would be taken for the other: in tables, by the search, by the gate."""
    found = problems_of(config_of(f"task.metrics=[{metrics}]"))
    assert [one.startswith(f"task.metrics has {problem}") for one in found] == [True], found


def test_a_metric_that_is_named_twice_is_one(config_of: ConfigOf) -> None:
    assert problems_of(config_of("task.metrics=[accuracy,accuracy]")) == []
    assert problems_of(config_of("task.metrics=[hub:accuracy]")) == []


def test_a_metric_of_the_users_own_may_go_either_way(config_of: ConfigOf) -> None:
    given = ["task.metrics=[accuracy,my.module.cost]", "task.metric=cost", "task.direction=minimize"]
    assert problems_of(config_of(*given)) == []
    assert problems_of(config_of("task.metric=loss", "task.direction=minimize")) == []


def test_of_a_metric_of_the_users_own_the_direction_must_be_said(config_of: ConfigOf) -> None:
    own = ["task.metrics=[accuracy,my.module.cost]", "task.metric=cost"]
    said = ["task.metric is cost, a metric of your own; say task.direction=minimize or maximize"]
    assert problems_of(config_of(*own)) == said
    assert problems_of(config_of("task=custom", "task.name=my.module.Task", *own)) == said
    assert problems_of(config_of(*own, "task.direction=maximize")) == []
    # other objectives have their own directions, but a trial stops and keeps its best checkpoint by this one
    assert problems_of(config_of(*own, "search.objectives=[accuracy,size_mb]")) == said


@pytest.mark.parametrize("score", [*dict.fromkeys(["loss", *(key for keys in METRIC_KEYS.values() for key in keys)])])
def test_of_our_scores_it_is_known_whatever_the_default_metric_is(config_of: ConfigOf, score: str) -> None:
    metric = next((name for name, keys in METRIC_KEYS.items() if score in keys), "accuracy")
    task = next((name for name, fitting in FITTING.items() if metric in fitting), "multi_label")
    values = config_of(f"task={task}", f"task.metrics=[{metric}]", f"task.metric={score}")
    way = "minimize" if score in ("loss", "perplexity") else "maximize"
    assert (values["task"]["direction"], values["search"]["direction"]) == (way, way)
    assert problems_of(values) == []
