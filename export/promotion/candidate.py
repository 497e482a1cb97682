"""A model that asks for an alias."""

from typing import NamedTuple

from slimtune.export.registry.mlflow_registry import RegisteredVersion
from slimtune.export.registry.version_facts import Registrable


class Candidate(NamedTuple):
    """Who asks for an alias.

    Attributes:
        name: Of the registered model.
        version: Its version; None while it is not registered, as in a dry run.
        model: Its files.
    """

    name: str
    version: RegisteredVersion | None
    model: Registrable

    @property
    def uri(self) -> str:
        """How it is called in reports."""
        return self.version.uri if self.version is not None else str(self.model.folder)
