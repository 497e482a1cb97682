"""What is learned: one file a task, all behind one protocol."""

from slimtune.training.tasks.protocol import Task
from slimtune.training.tasks.registry import task_of

__all__ = ["Task", "task_of"]
