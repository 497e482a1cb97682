"""What is promoted or registered: a sweep, a run, a bundle's folder, a registered version."""

from pathlib import Path

from slimtune.export.bundle.adapter_folder import AdapterFolder, is_adapter_folder, open_adapter_folder
from slimtune.export.bundle.bundle import open_bundle
from slimtune.export.config import NAME_RULE, is_model_name
from slimtune.export.promotion.candidate import Candidate
from slimtune.export.registry.find_bundle import named_bundle
from slimtune.export.registry.mlflow_registry import (
    RegisteredVersion,
    fetch_model,
    find_version,
    has_model,
    register,
    registered_as,
)
from slimtune.export.registry.model_uri import MODELS_URI
from slimtune.export.registry.version_facts import Registrable
from slimtune.export.registry.version_notes import names_of, versions_of_run
from slimtune.training.checkpoints.find import RUN_ID
from slimtune.training.config.tracking import mlflow_at
from slimtune.training.errors import ModelError
from slimtune.training.listed_names import with_commas
from slimtune.training.tracking.mlflow_runs import Tracker
from slimtune.training.tracking.uri import sqlite_path, tracking_uri
from slimtune.training.trial import Lineage
from slimtune.training.usual_places import home_path


def opened_source(source: str, *, trust: bool = False) -> Registrable:
    """The bundle or the folder of adapters that a folder or a sweep's name leads to.

    Raises:
        ModelError: There is none, or several.
    """
    folder = home_path(source)
    if is_adapter_folder(folder):
        return open_adapter_folder(folder)
    return open_bundle(named_bundle(source) or folder, trust=trust)


def is_registered_name(source: str) -> bool:
    """Whether a version or a run is named, which only the store knows."""
    return source.startswith(MODELS_URI) or bool(RUN_ID.fullmatch(source) and not Path(source).exists())


def registered_candidate(uri: str, source: str, name: str | None, *, trust: bool = False) -> Candidate:
    """The version that a URI or a run's id names.

    Args:
        uri: Of the store.
        source: `models:/<name>/<version>`, `models:/<name>@<alias>`, or the id of a run.
        name: Of the registered model; None is whatever the source says.

    Raises:
        ModelError: There is none, or it is of another model.
    """
    version = find_version(uri, source) if source.startswith(MODELS_URI) else _of_run(uri, source, name)
    if name is not None and name != version.name:
        raise ModelError(
            f"--name is '{name}', and {source} is a version of '{version.name}'; leave --name out, or give its "
            "bundle's folder, which may be registered under any name"
        )
    return Candidate(version.name, version, fetch_model(uri, version.uri, trust=trust))


def folder_candidate(uri: str, model: Registrable, name: str, *, is_dry: bool) -> Candidate:
    """A folder's version, registered now if it was not before; a dry run registers nothing."""
    known = registered_as(uri, model, name) if has_model(uri, name) else None
    if known is None and not is_dry:
        known = register_folder(uri, model, name)
    return Candidate(name, known, model)


def register_folder(uri: str, model: Registrable, name: str) -> RegisteredVersion:
    """Make a folder a version, logged on a run of its own under the sweep that it comes from.

    Whatever `register` raises ends the run as failed, and is raised.
    """
    provenance = None if isinstance(model, AdapterFolder) else model.manifest.provenance
    config = mlflow_at(uri)
    experiment = (provenance.sweep if provenance is not None else None) or name
    tracker = Tracker(config, experiment)
    parent = provenance.parent_run if provenance is not None else None
    run = tracker.start(
        Lineage(
            experiment=experiment,
            kind="export",
            name=f"register {name}",
            parent_run_id=parent if parent is not None and tracker.has(parent) else None,
            run_id=None,
            sampled={},
            folder=model.folder,
        )
    )
    assert run.run_id is not None
    try:
        version = register(uri, model, name, run_id=run.run_id)
    except BaseException:
        run.end(state="interrupted", failed=True)
        raise
    run.end(state="complete")
    return version


def name_for(model: Registrable, name: str | None, *, source: str, store: str | None) -> str:
    """The name that a folder is registered under, or is to be.

    Args:
        model: Of the folder.
        name: As it is given; None is the one that it has in the registry.
        source: How the user named the folder.
        store: The MLflow store, as it is given.

    Raises:
        ModelError: None is given, and it has none or several; or MLflow takes no such one.
    """
    if name is None:
        uri = tracking_uri(store)
        path = sqlite_path(uri)
        # a look-up shall not make an empty store
        found = names_of(uri, model) if path is None or path.is_file() else []
        if len(found) == 1:
            return found[0]
        why = f"is a version of {with_commas(found)}" if found else "is not registered"
        raise ModelError(f"{source} {why}: give --name, that of the registered model")
    if not is_model_name(name):
        raise ModelError(f"--name is '{name}'; {NAME_RULE}")
    return name


def _of_run(uri: str, run_id: str, name: str | None) -> RegisteredVersion:
    found = [version for version in versions_of_run(uri, run_id) if name in (None, version.name)]
    if not found:
        raise ModelError(
            f"the run {run_id} has no registered version; give the sweep's name or its bundle's folder, e.g. "
            "outputs/<sweep>/export/bundle"
        )
    names = dict.fromkeys(version.name for version in found)
    if len(names) > 1:
        raise ModelError(f"the run {run_id} has versions of {with_commas(names)}; say which by --name")
    return found[0]
