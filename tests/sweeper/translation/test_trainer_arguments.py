"""Steps of the Trainer, in configs of all tools that go by them."""

import dataclasses
from typing import Any

import pytest
from transformers import TrainingArguments

from slimtune.sweeper.translation.trainer_arguments import USUAL_STEPS
from slimtune.sweeper.translation.translate import Tool, translate

BY_STEPS = {"eval_strategy": "steps"}


@pytest.mark.parametrize(
    ("given", "values", "told"),
    [
        ({**BY_STEPS, "eval_steps": 50, "save_steps": 100}, {"fit.eval_steps": 50, "fit.save_steps": 100}, []),
        ({"evaluation_strategy": "steps", "eval_steps": 50}, {"fit.eval_steps": 50}, []),
        ({**BY_STEPS, "eval_steps": 40, "save_steps": 100}, {"fit.eval_steps": 40}, ["save_steps"]),
        ({**BY_STEPS, "eval_steps": 0.1, "save_steps": 100}, {}, ["eval_steps", "save_steps"]),
        # steps of the log where none are named, 500 where it has none
        ({**BY_STEPS, "save_steps": 500}, {"fit.eval_steps": 500, "fit.save_steps": 500}, []),
        (
            {**BY_STEPS, "logging_steps": 20, "save_steps": 30},
            {"tracking.log_every": 20, "fit.eval_steps": 20},
            ["save_steps"],
        ),
        # the Trainer does not evaluate, and saves, unless it is told
        ({"save_steps": 100}, {}, ["save_steps"]),
        ({"eval_steps": 50, "save_steps": 100}, {}, ["eval_steps", "save_steps"]),
        ({"eval_strategy": "no", "save_steps": 500}, {}, ["save_steps"]),
        ({"eval_strategy": False, "eval_steps": 50}, {}, ["eval_steps"]),
        ({"eval_strategy": "epoch", "eval_steps": 50}, {}, ["eval_steps"]),
        ({"eval_strategy": "epoch", "save_steps": 100}, {}, ["save_steps"]),
        *(
            (
                {**BY_STEPS, "eval_steps": 50, "save_strategy": strategy, "save_steps": 500},
                {"fit.eval_steps": 50},
                ["save_steps"],
            )
            for strategy in ("no", False, "epoch", "best")
        ),
        ({"save_strategy": "no", "save_steps": 500}, {}, ["save_steps"]),
        ({"save_steps": 0}, {}, []),
    ],
)
@pytest.mark.parametrize("tool", [Tool.trainer, Tool.llama_factory, Tool.olive])
def test_steps_between_evaluations_and_kept_checkpoints_are_steps_here(
    tool: Tool, given: dict[str, Any], values: dict[str, Any], told: list[str]
) -> None:
    """A checkpoint that would have no scores is told instead."""
    found = translate(
        {"passes": {"a": {"type": "LoRA", "training_args": given}}} if tool is Tool.olive else given, tool
    )
    assert found.values == values
    assert list(found.left) == told


@pytest.mark.parametrize(
    ("given", "values", "told"),
    [
        ({"eval_steps": 50, "save_steps": 100}, {"fit.eval_steps": 50, "fit.save_steps": 100}, []),
        ({"save_steps": 100}, {}, ["save_steps"]),
        ({"evals_per_epoch": 4, "save_steps": 100}, {"fit.eval_every": 0.25}, ["save_steps"]),
        ({"eval_strategy": "epoch", "eval_steps": 50}, {}, ["eval_steps"]),
        ({"save_strategy": "no", "save_steps": 500}, {}, ["save_steps"]),
    ],
)
def test_axolotl_evaluates_by_steps_where_it_has_a_number_of_them(
    given: dict[str, Any], values: dict[str, Any], told: list[str]
) -> None:
    found = translate(given, Tool.axolotl)
    assert found.values == values
    assert list(found.left) == told


def test_usual_strategies_are_those_of_the_trainer() -> None:
    usual = {field.name: field.default for field in dataclasses.fields(TrainingArguments)}
    assert (usual["eval_strategy"], usual["save_strategy"], usual["eval_steps"]) == ("no", "steps", None)
    assert usual["logging_steps"] == USUAL_STEPS
