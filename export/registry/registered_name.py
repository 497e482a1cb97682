"""A registered model from whatever names it: its name, the URI of a version, or the sweep that was registered."""

from typing import NamedTuple

from slimtune.export.bundle.bundle import open_bundle
from slimtune.export.registry.find_bundle import named_bundle
from slimtune.export.registry.mlflow_registry import has_model
from slimtune.export.registry.model_uri import MODELS_URI
from slimtune.export.registry.version_notes import names_of
from slimtune.training.errors import ModelError
from slimtune.training.listed_names import with_commas


class NamedModel(NamedTuple):
    """What was named.

    Attributes:
        name: Of the registered model.
        alias: That of `models:/<name>@<alias>`; else None.
    """

    name: str
    alias: str | None = None


def named_model(uri: str, given: str, *, trust: bool = False) -> NamedModel:
    """The registered model that is meant; a name that none has is returned as it is.

    Args:
        uri: Of the store.
        given: Its name, `models:/<name>`, with `@<alias>` or `/<version>`, or the name or folder of a sweep.
        trust: Whether libraries that a bundle's files name may be loaded.

    Raises:
        ModelError: The sweep's bundle has several names in the registry, or cannot be read.
    """
    if given.startswith(MODELS_URI):
        return _of_uri(given.removeprefix(MODELS_URI))
    if has_model(uri, given) or (folder := named_bundle(given)) is None:
        return NamedModel(given)
    names = names_of(uri, open_bundle(folder, trust=trust))
    if len(names) > 1:
        raise ModelError(f"{given} is registered as {with_commas(names)}; give one of these names")
    return NamedModel(names[0] if names else given)


def _of_uri(path: str) -> NamedModel:
    name, sign, alias = path.partition("@")
    if sign:
        return NamedModel(name, alias)
    name, sign, number = path.rpartition("/")
    return NamedModel(name if sign and number.isdigit() else path)
