"""What `slimtune export --run` names: a checkpoint, a run, a sweep, or a third-party model."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from slimtune.sweeper.campaigns.find_sweep import FoundSweep, find_sweep
from slimtune.training.atomic_files import missing_folders, remove_empty
from slimtune.training.errors import ConfigError, StoreError
from slimtune.training.tracking.journal import QUEUED
from slimtune.training.tracking.uri import sqlite_path, tracking_uri
from slimtune.training.usual_places import OUTPUTS, home_path

if TYPE_CHECKING:
    from slimtune.export.bundle.manifest import Provenance

EXPORT_GROUP = "export"
# what transformers and peft write
THIRD_PARTY_FILES = ("config.json", "adapter_config.json")
# what a third-party folder is not told: it says itself what it is
OWN_KEYS = ("model", "model.name_or_path", "model.scratch")


class ExportRequest(NamedTuple):
    """What the command line says of the model to export.

    Attributes:
        run: What to export.
        storage: URL of a sweep's study, if `search.storage` was set.
        tracking_uri: MLflow store of run ids.
        base: What a third-party adapter is over.
        overrides: Keys of the config.
        values: The config that they compose.
    """

    run: str
    storage: str | None
    tracking_uri: str | None
    base: str | None
    overrides: Sequence[str]
    values: Mapping[str, Any]


class ExportSource(NamedTuple):
    """A checkpoint to export.

    Attributes:
        checkpoint: Its folder.
        provenance: Where it comes from, for the manifest.
    """

    checkpoint: Path
    provenance: "Provenance"


@contextmanager
def opened(request: ExportRequest) -> Iterator[ExportSource]:
    """The checkpoint to export; that of a third-party model is there as long as the block runs.

    Raises:
        UserError: There is none, or the command line says of it what cannot be.
    """
    if _is_third_party(home_path(request.run)):
        with _third_party(request) as source:
            yield source
        return
    _check_own(request)
    from slimtune.export.bundle.manifest import Provenance
    from slimtune.export.manifest.data_facts import reported_above

    found = _sweep(request)
    if found is not None:
        known = Provenance(
            source_checkpoint=str(found.checkpoint),
            parent_run=_sent(request, found.run_id),
            sweep=found.name,
            **reported_above(found.checkpoint),
        )
        yield ExportSource(found.checkpoint, known)
        return
    from slimtune.training.checkpoints.find import find_checkpoint

    checkpoint = find_checkpoint(request.run, request.tracking_uri)
    yield ExportSource(checkpoint, Provenance(source_checkpoint=request.run, **reported_above(checkpoint)))


def _is_third_party(folder: Path) -> bool:
    if not any((folder / name).is_file() for name in THIRD_PARTY_FILES):
        return False
    # torch comes with it
    from slimtune.export.external.checkpoint import is_third_party

    return is_third_party(folder)


@contextmanager
def removed_if_failed(folder: Path) -> Iterator[None]:
    """A folder to write to; it and those above it that were not there before are not there after an error either."""
    missing = missing_folders(folder)
    try:
        yield
    except BaseException:
        if missing:
            shutil.rmtree(folder, ignore_errors=True)
        remove_empty(missing)
        raise


@contextmanager
def _third_party(request: ExportRequest) -> Iterator[ExportSource]:
    from slimtune.export.external.checkpoint import as_checkpoint, read_third_party

    for key in _keys(request.overrides):
        if key in OWN_KEYS or key.split(".")[0] == "method":
            raise ConfigError(
                [f"{key} is given, and {request.run} says itself what it is; an adapter's base is --base"]
            )
    third_party = read_third_party(home_path(request.run), request.values, base=request.base)
    with tempfile.TemporaryDirectory(prefix="slimtune-") as folder:
        checkpoint = as_checkpoint(third_party, Path(folder))
        yield ExportSource(checkpoint, replace(third_party.provenance, source_checkpoint=request.run))


def _check_own(request: ExportRequest) -> None:
    """A checkpoint of slimtune knows its task, data and base."""
    if request.base is not None:
        raise ConfigError([f"--base is {request.base}, and {request.run} is no third-party adapter; leave it out"])
    for key in _keys(request.overrides):
        if key.split(".")[0] != EXPORT_GROUP:
            raise ConfigError(
                [f"{key} is given, and {request.run} is no third-party model; only keys of export go with it"]
            )


def _keys(overrides: Sequence[str]) -> list[str]:
    return [override.partition("=")[0].lstrip("+~") for override in overrides]


def _sweep(request: ExportRequest) -> FoundSweep | None:
    """The end of a sweep, by its name, its folder or the id of its run."""
    found = find_sweep(request.run, outputs=OUTPUTS, storage=request.storage)
    if found is not None or home_path(request.run).is_dir():
        return found
    store = tracking_uri(request.tracking_uri)
    # a look-up shall not make an empty store
    path = sqlite_path(store)
    if path is not None and not path.is_file():
        return None
    from slimtune.training.tracking.mlflow_runs import run_tags

    tags = run_tags(store, request.run)
    if tags.get("kind") != "sweep":
        return None
    if tags.get("state") != "complete":
        raise StoreError(
            f"--run {request.run}: the sweep '{tags['sweep']}' has not ended, so it has chosen no model; give the "
            "command that began it again to resume it"
        )
    found = find_sweep(tags["sweep"], outputs=OUTPUTS, storage=request.storage)
    # without it, the run's own copy of the checkpoint is looked for
    is_own = found is not None and _sent(request, found.run_id) == _sent(request, request.run)
    return found if is_own else None


def _sent(request: ExportRequest, run_id: str | None) -> str | None:
    """The tracker's id of a run that was noted before the tracker had it, where the tracker answers."""
    store = tracking_uri(request.tracking_uri)
    path = sqlite_path(store)
    if run_id is None or not run_id.startswith(QUEUED) or (path is not None and not path.is_file()):
        return run_id
    from slimtune.training.tracking.line import TrackerAway
    from slimtune.training.tracking.mlflow_runs import run_in

    try:
        run = run_in(store, run_id)
    except TrackerAway:
        return run_id
    return run_id if run is None else run.run_id
