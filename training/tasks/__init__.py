"""What is learned: one file a task."""

from training.tasks.classification import Classification

__all__ = ["Classification"]
