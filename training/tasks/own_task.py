"""A task of the user's own, whose code is told about where it fails."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

from slimtune.training.config.dotted_path import imported
from slimtune.training.config.own_code import own_code, own_row
from slimtune.training.data.examples import Example
from slimtune.training.errors import ConfigError
from slimtune.training.tasks.protocol import Task


class OwnTask:
    """A task, or its class, as it is; what its methods raise is one message that names task, method and line.

    Args:
        task: The task or the class.
        path: Its dotted path.
    """

    def __init__(self, task: Any, path: str) -> None:
        self._task, self._path = task, path

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        """The task's own: who asks for a kind of task is answered as by the task."""
        return type(self._task)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or (not hasattr(type(self._task), name) and not _stands_in(self._task, name)):
            raise AttributeError(name)
        said = f"task.name is '{self._path}', whose {name}"
        with own_code(said):
            found = getattr(self._task, name)
        return self._told(found, name, said) if inspect.isroutine(found) else found

    def _told(self, function: Callable[..., Any], name: str, said: str) -> Callable[..., Any]:
        @wraps(function)
        def told(*arguments: Any, **options: Any) -> Any:
            with own_code(said):
                if name == "parse":
                    # the row is kept, and may be parsed again
                    arguments = tuple(map(_apart, arguments))
                    options = {key: _apart(value) for key, value in options.items()}
                result = function(*arguments, **options)
            if name == "parse":
                _check_example(result, said)
            return OwnTask(result, self._path) if name in ("make", "with_generated_rows") else result

        return told


def _apart(argument: Any) -> Any:
    return own_row(argument) if isinstance(argument, dict) else argument


def _stands_in(task: Any, name: str) -> bool:
    """Without running a property."""
    return inspect.getattr_static(task, name, None) is not None


def _check_example(result: Any, said: str) -> None:
    if result is not None and not isinstance(result, Example):
        raise ConfigError([f"{said} gives {result!r:.80}; let it give an Example, or None for a row without text"])


def own_task_class(path: str) -> OwnTask:
    """The class of a task of the user's own.

    Raises:
        ConfigError: It cannot be imported, or lacks `make` or a member of the protocol.
    """
    found = imported(path, said="task.name is")
    needed = [name for name in vars(Task) if not name.startswith("_")]
    missing = [name for name in ("make", *needed) if not _has(found, name)]
    if missing:
        is_method = inspect.isroutine(inspect.getattr_static(Task, missing[0], Task.parse))
        what = f"{missing[0]}()" if is_method else missing[0]
        raise ConfigError([f"task.name is '{path}', which has no {what}; see examples/custom/regression.py"])
    return OwnTask(found, path)


def _has(found: Any, name: str) -> bool:
    """Whether a class has a member, or a dataclass has it as a field."""
    return hasattr(found, name) or name in getattr(found, "__dataclass_fields__", {})
