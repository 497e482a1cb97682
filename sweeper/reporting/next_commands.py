"""What a person may do after a sweep, as commands ready to copy."""

import shlex
from collections.abc import Mapping
from typing import Any

from slimtune.export.config import CHALLENGER
from slimtune.export.registry.model_uri import version_uri
from slimtune.export.registry.serve_commands import serve_commands
from slimtune.sweeper.reporting.parent_run import ParentRun
from slimtune.training.tracking.uri import asked_uri, tracking_uri

Stage = Mapping[str, Any]


def next_commands(
    words: str, tracked: ParentRun, uri: str | None, *, exported: Stage | None, registered: Stage | None
) -> dict[str, str]:
    """Commands and links by what they are for.

    Args:
        words: The sweep as commands are told it.
        tracked: Its run, with the links.
        uri: Of the tracker, as it was given; without one that of the environment, since another shell has another.
        exported: What the export came to, if there was one.
        registered: What was registered, if anything.
    """
    commands, uri = {}, asked_uri(uri)
    store = f" --tracking-uri {shlex.quote(uri)}" if uri else ""
    texts = "" if exported is None else exported["arguments"]
    if registered is not None:
        named = version_uri(registered["name"], registered["version"], registered["alias"])
        commands["try the model"] = f"slimtune predict --model {shlex.quote(named)} {texts}{store}"
        if exported is not None and (row := exported.get("row")) is not None:
            commands |= serve_commands(named, tracking_uri(uri), row)
        rules = "".join(f" {shlex.quote(word)}" for word in registered.get("gate", ()))
        promote = f"slimtune promote {shlex.quote(named)}"
        if registered["alias"] == CHALLENGER:
            commands["promote it, on more rows"] = f"{promote} --data more.jsonl{store}{rules}"
        elif registered["alias"] is None:
            commands["see what the gate refused"] = f"{promote} --dry-run{store}{rules}"
    elif exported is not None:
        commands["try the model"] = f"slimtune predict --model {shlex.quote(exported['bundle'])} {texts}"
    commands["see all of it"] = f"slimtune report {words}"
    commands["compare the trials"] = f"slimtune compare {words}"
    if tracked.link is not None:
        if not (uri or "").startswith("http"):
            commands["open the MLflow UI"] = f"slimtune ui{store}"
        commands["and in it the trials"] = tracked.link
    if tracked.own_link is not None:
        commands["and the sweep itself"] = tracked.own_link
    if exported is not None:
        commands["the bundle"] = exported["bundle"]
    return commands
