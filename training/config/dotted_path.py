"""What a dotted path of the config names: the one place where a user's own parts are imported."""

from importlib import import_module
from typing import Any

from slimtune.training.config.near_names import nearest_name
from slimtune.training.errors import ConfigError


def imported(path: str, *, said: str) -> Any:
    """The class or function at `<module>.<name>`. Importing runs the module.

    Args:
        path: As the config gives it.
        said: How a message begins, e.g. `task.name is`.

    Raises:
        ConfigError: It is no such path, the module cannot be imported, or has no such name.
    """
    module_name, _, name = path.rpartition(".")
    if not module_name or not all(part.isidentifier() for part in path.split(".")):
        raise ConfigError([f"{said} '{path}'; use a dotted path, e.g. my_package.my_module.name"])
    try:
        module = import_module(module_name)
    except (Exception, SystemExit) as error:
        # any: importing runs the code of somebody else, and a script's may exit
        reason = f"{type(error).__name__}: {error}"
        absent = isinstance(error, ModuleNotFoundError)
        repair = "install it or put its folder on PYTHONPATH" if absent else "repair the module"
        raise ConfigError([f"{said} '{path}', but importing {module_name} fails ({reason}); {repair}"]) from error
    if not hasattr(module, name):
        near = nearest_name(name, vars(module))
        repair = f"did you mean '{near}'?" if near else "name something that is in it"
        raise ConfigError([f"{said} '{path}', but {module_name} has no '{name}'; {repair}"])
    return getattr(module, name)
