"""What `slimtune export --run` names: a checkpoint, a run, a sweep, or a model that others trained."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from slimtune.sweeper.campaigns.find_sweep import Ended, find_sweep
from slimtune.training.errors import ConfigError, StoreError
from slimtune.training.tracking.uri import SQLITE, tracking_uri

OUTPUTS = Path("outputs")
EXPORT = "export"
# what a foreign folder is not told: it says itself what it is
OWN_KEYS = ("model", "model.name_or_path", "model.scratch")


class Given(NamedTuple):
    """What the command line says of the model.

    Attributes:
        run: What to export.
        storage: URL of a sweep's study, if `search.storage` was set.
        tracking_uri: MLflow store of run ids.
        base: What a foreign adapter is over.
        overrides: Keys of the config.
        values: The config that they compose.
    """

    run: str
    storage: str | None
    tracking_uri: str | None
    base: str | None
    overrides: Sequence[str]
    values: Mapping[str, Any]


class Source(NamedTuple):
    """Attributes:
    checkpoint: Its folder.
    facts: Where it came from, for the manifest.
    """

    checkpoint: Path
    facts: dict[str, Any]


@contextmanager
def opened(given: Given) -> Iterator[Source]:
    """The checkpoint to export; that of a foreign model is there as long as the block runs.

    Raises:
        UserError: There is none, or the command line says of it what cannot be.
    """
    from slimtune.export.external.checkpoint import is_foreign

    if is_foreign(Path(given.run).expanduser()):
        with _foreign(given) as source:
            yield source
        return
    _check_own(given)
    ended = _sweep(given)
    if ended is not None:
        yield Source(ended.checkpoint, {"source_checkpoint": str(ended.checkpoint), "sweep": ended.name})
        return
    from slimtune.training.checkpoints.find import find_checkpoint

    yield Source(find_checkpoint(given.run, given.tracking_uri), {"source_checkpoint": given.run})


@contextmanager
def removed_if_failed(folder: Path) -> Iterator[None]:
    """A folder to write to; if it was not there before, and the block ends by an error, it is not there after."""
    is_new = not folder.exists()
    try:
        yield
    except BaseException:
        if is_new:
            shutil.rmtree(folder, ignore_errors=True)
        raise


@contextmanager
def _foreign(given: Given) -> Iterator[Source]:
    from slimtune.export.external.checkpoint import as_checkpoint, read_foreign

    for key in _keys(given.overrides):
        if key in OWN_KEYS or key.split(".")[0] == "method":
            raise ConfigError([f"{key} is given, and {given.run} says itself what it is; an adapter's base is --base"])
    foreign = read_foreign(Path(given.run).expanduser(), given.values, base=given.base)
    with tempfile.TemporaryDirectory(prefix="slimtune-") as folder:
        checkpoint = as_checkpoint(foreign, Path(folder))
        yield Source(checkpoint, {"source_checkpoint": given.run, **foreign.facts})


def _check_own(given: Given) -> None:
    """A checkpoint of slimtune knows its task, data and base."""
    if given.base is not None:
        raise ConfigError([f"--base is {given.base}, and {given.run} is no adapter that others trained; leave it out"])
    for key in _keys(given.overrides):
        if key.split(".")[0] != EXPORT:
            raise ConfigError(
                [f"{key} is given, and {given.run} is no model that others trained; only keys of export go with it"]
            )


def _keys(overrides: Sequence[str]) -> list[str]:
    return [override.partition("=")[0].lstrip("+~") for override in overrides]


def _sweep(given: Given) -> Ended | None:
    """The end of a sweep, by its name, its folder or the id of its run."""
    ended = find_sweep(given.run, outputs=OUTPUTS, storage=given.storage)
    if ended is not None or Path(given.run).expanduser().is_dir():
        return ended
    store = tracking_uri(given.tracking_uri)
    # a look-up shall not make an empty store
    if store.startswith(SQLITE) and not Path(store.removeprefix(SQLITE)).is_file():
        return None
    from slimtune.training.tracking.mlflow_runs import run_tags

    tags = run_tags(store, given.run)
    if tags.get("kind") != "sweep":
        return None
    if tags.get("state") != "complete":
        raise StoreError(
            f"--run {given.run}: the sweep '{tags['sweep']}' has not ended, so it has chosen no model; give the "
            "command that began it again, and it goes on"
        )
    ended = find_sweep(tags["sweep"], outputs=OUTPUTS, storage=given.storage)
    # without it, the run's own copy of the checkpoint is looked for
    return ended if ended is not None and ended.run_id == given.run else None
