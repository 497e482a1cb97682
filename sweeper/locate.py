"""What a dotted path in a config names."""

from importlib import import_module
from typing import Any


def locate(path: str) -> Any:
    """The attribute of a module.

    Raises:
        ImportError: There is no such module.
        AttributeError: The module has no such name.
    """
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)
