"""A section whose other keys are wrong still says how rows are read and which model there is."""

from collections.abc import Callable
from typing import Any

import pytest

from slimtune.training.config.sound_sections import sound_sections

Compose = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(
    "wrong",
    [
        {"task": {"metric": "acuracy"}},
        {"task": {"metrics": ["nosuch"], "class_weights": "x", "loss": 3}},
        {"data": {"validation_share": 3, "max_length": -1, "seed": "x"}},
        {"model": {"quantization": "nf5"}},
        {"fit": {"epochs": -1}, "method": {"r": 0}},
    ],
)
def test_keys_that_rows_and_model_do_not_depend_on(config_of: Compose, wrong: dict[str, Any]) -> None:
    values = config_of()
    for section, keys in wrong.items():
        values[section] |= keys
    found = sound_sections(values)
    assert found.task is not None
    assert found.data is not None
    assert found.model is not None
    assert (found.task.name, found.data.label_column) == ("classification", "label")


def test_what_is_right_stays_as_it_is(config_of: Compose) -> None:
    found = sound_sections(config_of("data.max_length=17"))
    assert found.data is not None
    assert found.data.max_length == 17


@pytest.mark.parametrize(
    ("section", "keys"),
    [("task", {"name": "clasification"}), ("data", {"text_column": None}), ("model", {"name_or_path": None})],
)
def test_keys_that_they_depend_on(config_of: Compose, section: str, keys: dict[str, Any]) -> None:
    values = config_of()
    values[section] |= keys
    assert getattr(sound_sections(values), section) is None
    assert sound_sections(values | {section: None})._asdict()[section] is None
