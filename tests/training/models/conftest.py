"""Models are made for tasks: their cases and configs."""

from tests.training.tasks.conftest import bases, config_for, values_of

__all__ = ["bases", "config_for", "values_of"]
