"""`package:<module>/<path>` names a file or folder that an installed package carries."""

from importlib.util import find_spec
from pathlib import Path

PACKAGE_SCHEME = "package:"


def package_file(name: str) -> str:
    """The path behind a `package:` name; any other name is given back unchanged. Nothing is imported.

    Raises:
        FileNotFoundError: The package is not installed or has no such file.
    """
    if not name.startswith(PACKAGE_SCHEME):
        return name
    module, _, inner = name.removeprefix(PACKAGE_SCHEME).partition("/")
    # looking for a.b would import a
    top, *below = module.split(".")
    try:
        spec = find_spec(top)
    except (ModuleNotFoundError, ValueError):
        spec = None
    folders = list(spec.submodule_search_locations or []) if spec else []
    for folder in folders:
        path = Path(folder, *below, inner)
        if path.exists():
            return str(path)
    raise FileNotFoundError(f"{name}: no installed package '{module}' with '{inner}'")
