"""A bundle from whatever names it."""

from pathlib import Path

from slimtune.export.bundle.adapter_folder import chosen_adapter
from slimtune.export.bundle.bundle import Bundle, RunnableModel, open_bundle
from slimtune.export.registry.model_uri import MODELS_URI, default_uri


def locate_bundle(name: str, tracking_uri: str | None, *, trust: bool = False) -> Bundle:
    """The bundle in a folder, or behind a `models:/` URI.

    Args:
        name: A folder or `models:/<name>@<alias>`.
        tracking_uri: The MLflow store; None is `mlruns/mlflow.db` under the working directory.
        trust: Whether libraries that its files name may be loaded.

    Raises:
        ModelError: There is no such bundle, or it was tampered with.
    """
    if not name.startswith(MODELS_URI):
        return open_bundle(Path(name).expanduser(), trust=trust)
    uri = tracking_uri or default_uri()
    from slimtune.export.registry.mlflow_registry import fetch

    return fetch(uri, name, trust=trust)


def locate_model(name: str, *, adapter: str | None, tracking_uri: str | None, trust: bool = False) -> RunnableModel:
    """The model of a bundle, or one adapter of a folder of adapters over their base.

    Raises:
        ModelError: There is no such model, or a file of it is missing or was changed.
    """
    return chosen_adapter(name, adapter) or locate_bundle(name, tracking_uri, trust=trust).model
