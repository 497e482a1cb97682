"""What is noted of versions: tags, a part of the description, the gate's report; versions of a run."""

import re
from collections.abc import Mapping
from typing import Any

from slimtune.export.registry.mlflow_registry import RegisteredVersion, quiet, versions_with_files
from slimtune.export.registry.version_facts import Registrable
from slimtune.training.tracking.mlflow_runs import client_of
from slimtune.training.tracking.store_answers import answering
from slimtune.training.tracking.uri import no_misread_folder

REPORT_FILE = "gate_report.json"


def names_of(uri: str, model: Registrable) -> list[str]:
    """Registered models that have a version of these files."""
    return [*dict.fromkeys(str(version.name) for version in versions_with_files(uri, model))]


def versions_of_run(uri: str, run_id: str) -> list[RegisteredVersion]:
    """Versions that were logged on a run, or made of its checkpoint; the newest first."""
    client = client_of(uri)
    wheres = (f"run_id = '{run_id}'", f"tags.source_run = '{run_id}'", f"tags.parent_run = '{run_id}'")
    for where in wheres:
        with answering(uri):
            found = client.search_model_versions(where)
        if found:
            ordered = sorted(found, key=lambda one: -int(one.version))
            return [RegisteredVersion(one.name, str(one.version)) for one in ordered]
    return []


def version_tags(uri: str, registered: RegisteredVersion) -> Mapping[str, str]:
    """The tags of a version."""
    with answering(uri):
        tags: Mapping[str, str] = client_of(uri).get_model_version(registered.name, registered.version).tags
    return tags


def tag_version(uri: str, registered: RegisteredVersion, tags: Mapping[str, str]) -> None:
    """Set tags of a version."""
    with answering(uri):
        for key, value in tags.items():
            client_of(uri).set_model_version_tag(registered.name, registered.version, key, value)


def describe_version(uri: str, registered: RegisteredVersion, section: str, *, heading: str) -> None:
    """Put a section into a version's description: in the place of an earlier one of that heading, or at the end.

    What people wrote below it stays, from the next heading of the first or second level on.

    Args:
        uri: Of the store.
        registered: The version.
        section: Its text, without headings of these levels.
        heading: With its signs, e.g. `## Gate`.
    """
    client = client_of(uri)
    with answering(uri):
        before = client.get_model_version(registered.name, registered.version).description or ""
        client.update_model_version(registered.name, registered.version, with_section(before, section, heading=heading))


def with_section(text: str, section: str, *, heading: str) -> str:
    """Markdown with a section of that heading, which takes the place of an earlier one."""
    earlier = re.search(rf"^{re.escape(heading)}[ \t\r]*$.*?(?=^\#{{1,2}}[ \t]|\Z)", text, re.MULTILINE | re.DOTALL)
    before, after = (text, "") if earlier is None else (text[: earlier.start()], text[earlier.end() :])
    parts = [before.rstrip(), heading, section, after.strip()]
    return "\n\n".join(part for part in parts if part) + "\n"


def log_report(uri: str, registered: RegisteredVersion, report: Mapping[str, Any]) -> None:
    """Write `gate_report.json` on the version's run, if it has one."""
    client = client_of(uri)
    with answering(uri):
        run_id = client.get_model_version(registered.name, registered.version).run_id
    if run_id:
        with answering(uri), quiet(), no_misread_folder(uri):
            client.log_dict(run_id, dict(report), REPORT_FILE)
