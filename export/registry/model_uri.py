"""Names of registered models, and the store that they are looked up in."""

import os

from slimtune.training.errors import ModelError
from slimtune.training.tracking.uri import URI_VARIABLE, sqlite_path, told_uri, tracking_uri, warn_of_other_registry

# models:/<name>@<alias> or models:/<name>/<version>
MODELS_URI = "models:/"
# the alias of what is served, where no other is asked for
CHAMPION = "champion"


def version_uri(name: str, version: str, alias: str | None = None) -> str:
    """What `slimtune predict --model` takes: a version by its alias, or by its number where it has none."""
    return f"{MODELS_URI}{name}@{alias}" if alias else f"{MODELS_URI}{name}/{version}"


def told_before(before: object, version: object) -> str:
    """What stands behind an alias that a version got: ` (was version 2)`; nothing where no other version had it.

    Args:
        before: The version that had the alias; None if none did.
        version: The one that has it now; None of what is not registered yet.
    """
    return "" if before is None or str(before) == str(version) else f" (was version {before})"


def store_of(given: str | None) -> str:
    """The store that registered models are looked up in: the one that is given, the one that MLflow's variable in the
    environment names, or that under the working directory.

    Raises:
        ModelError: There is none, and an empty one shall not be made by a look-up.
    """
    uri = tracking_uri(given)
    warn_of_other_registry(uri)
    path = sqlite_path(uri)
    if path is None or path.is_file():
        return uri
    if given is not None:
        raise ModelError(f"the store {given}: there is no {path}; give the store that it was registered in")
    if os.environ.get(URI_VARIABLE):
        raise ModelError(f"{told_uri(uri)}, and there is no {path}; give the store that it was registered in")
    raise ModelError(
        f"there is no {path}; run the command where the sweep ran, or give --tracking-uri (in Python tracking_uri=)"
    )
