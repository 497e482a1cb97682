"""Names of registered models, and the store that they are looked up in."""

from pathlib import Path

from slimtune.training.errors import ModelError
from slimtune.training.tracking.uri import sqlite_url

# models:/<name>@<alias> or models:/<name>/<version>
MODELS_URI = "models:/"


def default_uri() -> str:
    """The store under the working directory.

    Raises:
        ModelError: There is none, and an empty one shall not be made by a look-up.
    """
    path = Path.cwd() / "mlruns" / "mlflow.db"
    if not path.is_file():
        raise ModelError(f"there is no {path}; run the command where the sweep ran, or give --tracking-uri")
    return sqlite_url(path)
