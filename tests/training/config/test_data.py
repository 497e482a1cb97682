"""The section `data`: files, or the splits of a set on the hub."""

from collections.abc import Callable
from typing import Any

import pytest
from hydra import compose, initialize_config_module

from slimtune.sweeper.checks import problems_of
from slimtune.sweeper.config_values import plain
from slimtune.training.config.data import DataConfig, parse_data

ConfigOf = Callable[..., dict[str, Any]]
HUB = ("data=hub", "data.dataset=org/tones", "data.train_file=null")


def parsed(config_of: ConfigOf, *given: str) -> DataConfig:
    result = parse_data(config_of(*given)["data"])
    assert result.problems == []
    data: DataConfig = result.section
    return data


def test_splits_of_a_hub_data_set_are_names_for_the_reader(config_of: ConfigOf) -> None:
    """Slices as `datasets` writes them; a split that is not given is cut off the training rows."""
    slices = ("data.train_split='train[:4096]'", "data.eval_split='train[4096:4224]'")
    data = parsed(config_of, *HUB, *slices)
    assert data.train_file == "hub:org/tones@train[:4096]"
    assert data.validation_file == "hub:org/tones@train[4096:4224]"
    assert data.test_file is None


def test_a_config_of_the_data_set_is_part_of_the_name(config_of: ConfigOf) -> None:
    data = parsed(config_of, *HUB, "data.dataset_config=short", "data.test_split=test")
    assert (data.train_file, data.validation_file) == ("hub:org/tones:short@train", None)
    assert data.test_file == "hub:org/tones:short@test"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (("++data.eval_split=dev",), "data.eval_split is 'dev', but data.dataset is null; use data=hub, or rows of"),
        (("data.dataset_config=en",), "data.dataset_config is 'en', but data.dataset is null; use data=hub"),
        (("data.train_split=test",), "data.train_split is 'test'; training rows are those of data.train_file"),
        (("data.test_split=test",), "data.test_split is 'test', but data.test_file is null; name it"),
        (
            ("data.validation_file=held.jsonl", "data.eval_split='train[4:]'"),
            "data.eval_split is 'train[4:]', but data.validation_file is 'held.jsonl'; drop one",
        ),
        ((*HUB, "data.train_split=null"), "data.train_split is null; name the training rows of data.dataset"),
        (
            (*HUB, "data.validation_file=rows.jsonl"),
            "data.validation_file is 'rows.jsonl', but the rows are those of data.dataset; use data.eval_split",
        ),
        (("data.validation_share=0.6", "data.test_share=0.5"), "data.validation_share + data.test_share is 1.1"),
        (("data.validation_share=0",), "data.validation_share is 0 and data.validation_file is null"),
        (("data.train_file=[rows.jsonl,3]",), "data.train_file is ['rows.jsonl', 3]; use a file"),
        (("data.text_template='{text} is'",), "data.text_template is '{text} is'; its last field must be"),
    ],
)
def test_what_does_not_go_together_is_told(config_of: ConfigOf, given: tuple[str, ...], problem: str) -> None:
    problems = parse_data(config_of(*given)["data"]).problems
    assert any(found.startswith(problem) for found in problems), problems


def test_a_hub_data_set_needs_its_name_only() -> None:
    """The sweep has a name of its own then, which may hold no slash."""
    with initialize_config_module("slimtune.conf", version_base="1.3"):
        values = plain(compose("config", overrides=["data=hub", "data.dataset=org/tones"]))
    assert problems_of(values) == []
