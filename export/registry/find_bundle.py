"""A bundle from whatever names it."""

from pathlib import Path
from typing import TYPE_CHECKING

from slimtune.export.bundle.adapter_folder import chosen_adapter
from slimtune.export.bundle.bundle import MANIFEST, Bundle, RunnableModel, open_bundle
from slimtune.export.bundle.export_folder import BUNDLE, EXPORT_FOLDER
from slimtune.export.graph_names import GENAI_FOLDER
from slimtune.export.registry.model_uri import MODELS_URI, store_of
from slimtune.training.errors import ModelError
from slimtune.training.installation.plain_install import told_if_absent
from slimtune.training.listed_names import with_commas
from slimtune.training.usual_places import OUTPUTS, home_path

if TYPE_CHECKING:
    from slimtune.export.registry.mlflow_registry import RegisteredVersion

# a registry is asked by MLflow, a folder is read as it is
WITHOUT_REGISTRY = "slimtune predict reads the folder of a bundle without them"


def locate_bundle(name: str, tracking_uri: str | None, *, trust: bool = False) -> Bundle:
    """The bundle in a folder, or behind a `models:/` URI.

    Args:
        name: A folder or `models:/<name>@<alias>`; an export's or a sweep's folder, or a sweep's name, is its bundle.
        tracking_uri: The MLflow store; None is what MLFLOW_TRACKING_URI says, or `mlruns/mlflow.db` under the working
            directory.
        trust: Whether libraries that its files name may be loaded.

    Raises:
        ModelError: There is no such bundle, or it was tampered with.
    """
    if not name.startswith(MODELS_URI):
        return open_bundle(named_bundle(name) or home_path(name), trust=trust)
    uri = store_of(tracking_uri)
    with told_if_absent(name, instead=WITHOUT_REGISTRY):
        from slimtune.export.registry.mlflow_registry import fetch

        return fetch(uri, name, trust=trust)


def locate_model(name: str, *, adapter: str | None, tracking_uri: str | None, trust: bool = False) -> RunnableModel:
    """The model of a bundle, or one adapter of a folder of adapters over their base.

    Raises:
        ModelError: There is no such model, or a file of it is missing or was changed.
    """
    if name.startswith(MODELS_URI):
        uri = store_of(tracking_uri)
        with told_if_absent(name, instead=WITHOUT_REGISTRY):
            from slimtune.export.registry.mlflow_registry import fetch_folder

            folder = fetch_folder(uri, name)
        return chosen_adapter(str(folder), adapter, said=name) or open_bundle(folder, trust=trust).model
    return chosen_adapter(name, adapter) or locate_bundle(name, tracking_uri, trust=trust).model


def version_behind(name: str, tracking_uri: str | None) -> "RegisteredVersion | None":
    """The version that has an alias of a registered model; None of any other name of a model.

    Raises:
        ModelError: No version has it.
    """
    if not name.startswith(MODELS_URI) or "@" not in name:
        return None
    uri = store_of(tracking_uri)
    with told_if_absent(name, instead=WITHOUT_REGISTRY):
        from slimtune.export.registry.mlflow_registry import find_version

        return find_version(uri, name)


def is_bundle_name(name: str) -> bool:
    """Whether a bundle is meant, and no checkpoint.

    Raises:
        ModelError: A folder holds several bundles.
    """
    return name.startswith(MODELS_URI) or named_bundle(name) is not None


def named_bundle(name: str) -> Path | None:
    """The folder of the one bundle that a name leads to; None if it leads to none.

    Args:
        name: Of a bundle's folder, of its manifest, of the folder of an export or of a sweep, or of a sweep.

    Raises:
        ModelError: There are several.
    """
    given = home_path(name)
    if given.name == MANIFEST and given.is_file():
        return given.parent
    for folder in (given, OUTPUTS / name):
        found = _bundles_in(folder)
        if len(found) > 1:
            raise ModelError(f"{name} leads to {len(found)} bundles; name one of them: {with_commas(map(str, found))}")
        if found:
            return found[0]
        if folder.exists():
            return None
    return None


def _bundles_in(folder: Path) -> list[Path]:
    """The folder itself, or the bundles that an export wrote into it, or into its folder `export`."""
    if _is_bundle(folder):
        return [folder]
    for place in (folder, folder / EXPORT_FOLDER):
        inside = [place / BUNDLE, *sorted((place / GENAI_FOLDER).glob("*"))]
        if found := [one for one in inside if _is_bundle(one)]:
            return found
    return [one for one in sorted(folder.glob("*")) if _is_bundle(one)] if folder.name == GENAI_FOLDER else []


def _is_bundle(folder: Path) -> bool:
    return (folder / MANIFEST).is_file()
