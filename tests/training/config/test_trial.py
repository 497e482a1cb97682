from collections.abc import Callable
from typing import Any

import pytest

from slimtune.training.config.trial import parse_trial

ConfigOf = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("task", ["classification", "multi_label", "similarity", "extraction"])
def test_a_text_is_not_its_own_label(config_of: ConfigOf, task: str) -> None:
    values = config_of(f"task={task}", "data.text_column=x", "data.label_column=x")
    (problem,) = parse_trial(values).problems
    assert problem.startswith("data.label_column is 'x', as data.text_column is: the text would be its own label")


def test_a_label_keeps_no_groups(config_of: ConfigOf) -> None:
    (problem,) = parse_trial(config_of("data.group_column=label")).problems
    assert problem.startswith("data.group_column is 'label', as data.label_column is: all rows of a label would be on")


def test_a_prompt_is_not_its_own_answer(config_of: ConfigOf) -> None:
    values = config_of("task=generation", "data.text_column=x", "data.target_column=x")
    (problem,) = parse_trial(values).problems
    assert problem.startswith("data.target_column is 'x', as data.text_column is: the prompt would be its answer")
    # a template says by itself what is asked and what is answered
    template = "data.text_template='Q: {y} A: {x}'"
    assert (
        parse_trial(config_of("task=generation", "data.text_column=x", "data.target_column=x", template)).problems == []
    )


def test_rows_with_the_same_answer_may_be_a_group(config_of: ConfigOf) -> None:
    assert parse_trial(config_of("task=generation", "data.group_column=target")).problems == []


@pytest.mark.parametrize("text", ["", " "])
def test_an_empty_text_names_nothing(config_of: ConfigOf, text: str) -> None:
    """Neither a store, nor a column, nor a model."""
    values = config_of()
    values["tracking"]["uri"] = values["data"]["group_column"] = text
    values["data"]["text_column"] = text
    assert sorted(parse_trial(values).problems) == [
        "data.group_column is an empty text; write null for none, or leave the key out",
        "data.text_column is an empty text; say what it is",
        "tracking.uri is an empty text; write null for none, or leave the key out",
    ]
