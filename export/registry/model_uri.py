"""Names of registered models, and the store that they are looked up in."""

from pathlib import Path

from slimtune.training.errors import ModelError
from slimtune.training.tracking.uri import sqlite_path, sqlite_url
from slimtune.training.usual_places import STORE

# models:/<name>@<alias> or models:/<name>/<version>
MODELS_URI = "models:/"
# the alias of what is served, where no other is asked for
CHAMPION = "champion"


def version_uri(name: str, version: str, alias: str | None = None) -> str:
    """What `slimtune predict --model` takes: a version by its alias, or by its number where it has none."""
    return f"{MODELS_URI}{name}@{alias}" if alias else f"{MODELS_URI}{name}/{version}"


def store_of(given: str | None) -> str:
    """The store that registered models are looked up in: the one that is given, or that under the working directory.

    Raises:
        ModelError: There is none, and an empty one shall not be made by a look-up.
    """
    if given is not None:
        path = sqlite_path(given)
        if path is not None and not path.exists():
            raise ModelError(f"the store {given}: there is no {path}; give the store that it was registered in")
        return given
    path = Path.cwd() / STORE
    if not path.is_file():
        raise ModelError(
            f"there is no {path}; run the command where the sweep ran, or give --tracking-uri (in Python tracking_uri=)"
        )
    return sqlite_url(path)
