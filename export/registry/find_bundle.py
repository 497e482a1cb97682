"""A bundle from whatever names it."""

from pathlib import Path

from slimtune.export.bundle.bundle import Bundle, open_bundle
from slimtune.training.errors import ModelError

SCHEME = "models:/"


def locate_bundle(name: str, tracking_uri: str | None) -> Bundle:
    """The bundle in a folder, or behind a `models:/` URI.

    Args:
        name: A folder or `models:/<name>@<alias>`.
        tracking_uri: The MLflow store; None is `mlruns/mlflow.db` under the working directory.

    Raises:
        ModelError: There is no such bundle, or it was tampered with.
    """
    if not name.startswith(SCHEME):
        return open_bundle(Path(name).expanduser())
    uri = tracking_uri or default_uri()
    from slimtune.export.registry.mlflow_registry import fetch

    return fetch(uri, name)


def default_uri() -> str:
    """The store under the working directory.

    Raises:
        ModelError: There is none, and an empty one shall not be made by a look-up.
    """
    path = Path.cwd() / "mlruns" / "mlflow.db"
    if not path.is_file():
        raise ModelError(f"there is no {path}; run the command where the sweep ran, or give --tracking-uri")
    return f"sqlite:///{path}"
