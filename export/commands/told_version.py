"""Which version of a registered model a command uses."""

from slimtune.export.commands.terminal_text import tell
from slimtune.export.registry.find_bundle import version_behind


def with_told_version(name: str, tracking_uri: str | None) -> str:
    """The name of a model, with a version in place of an alias, which may be another one's a moment later.

    Args:
        name: What `--model` names.
        tracking_uri: As `locate_bundle` takes it.

    Raises:
        ModelError: No version has the alias.
    """
    found = version_behind(name, tracking_uri)
    if found is None:
        return name
    tell(f"{name} is version {found.version}")
    return found.uri
