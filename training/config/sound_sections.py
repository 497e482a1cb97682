"""Sections of a config as far as rows and model depend on them, whatever is wrong with their other keys."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from slimtune.training.config.data import DataConfig, parse_data
from slimtune.training.config.method import MethodConfig, parse_method
from slimtune.training.config.model import ModelConfig
from slimtune.training.config.schema import Parsed, SectionT, parse_section, with_stand_ins
from slimtune.training.config.task import TaskConfig, parse_task
from slimtune.training.config.trial import TrialConfig

# of keys that change neither how a row is read nor which model there is
OF_TASK: Mapping[str, Any] = {
    "metric": "loss",
    "metrics": [],
    "direction": "minimize",
    "loss": {"_target_": "none"},
    "class_weights": None,
    "max_new_tokens": 1,
    "num_beams": 1,
    "eval_rows": 1,
    "train_on_prompt": False,
}
OF_DATA: Mapping[str, Any] = {
    "name": "rows",
    "validation_share": 0.15,
    "validation_rows": None,
    "test_share": 0.15,
    "seed": 0,
    "max_length": 1,
    "drop_leaks": True,
    "near_duplicates": True,
    "baselines": True,
}
OF_MODEL: Mapping[str, Any] = {"quantization": None, "double_quantization": False, "seed": 0, "attention": "auto"}


class SoundSections(NamedTuple):
    """Sections that can be looked at; None for others.

    Attributes:
        task: What rows are to be read as.
        data: Where they are.
        model: The base, of files.
        method: How it is trained.
    """

    task: TaskConfig | None
    data: DataConfig | None
    model: ModelConfig | None
    method: MethodConfig | None

    @property
    def config(self) -> TrialConfig:
        """A config of these, for what asks for no other section."""
        nothing: Any = None
        sections: dict[str, Any] = self._asdict()
        return TrialConfig(**sections, fit=nothing, tracking=nothing)


def sound_sections(values: Mapping[str, Any]) -> SoundSections:
    """What can be looked at of a config that has problems."""
    model = _sound(partial(parse_section, ModelConfig, prefix="model"), values.get("model"), OF_MODEL)
    return SoundSections(
        _sound(parse_task, values.get("task"), OF_TASK),
        _sound(parse_data, values.get("data"), OF_DATA),
        model if model is not None and model.name_or_path is not None and model.scratch is None else None,
        parse_method(values.get("method")).found,
    )


def _sound(parse: Callable[[Any], Parsed[SectionT]], values: object, stand_ins: Mapping[str, Any]) -> SectionT | None:
    """The section as it is, or with others of its values."""
    return parse(values).found or parse(with_stand_ins(values, stand_ins)).found
