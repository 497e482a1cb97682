"""Where the runs of a sweep lie, as it is noted with the sweep, and known again from another folder or login."""

import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from slimtune.training.atomic_files import write_json
from slimtune.training.broken_files import BROKEN, fault_of, read_object
from slimtune.training.config.tracking import TrackingConfig, mlflow_at
from slimtune.training.errors import StoreError
from slimtune.training.tracking.uri import (
    EXPERIMENT_VARIABLE,
    URI_VARIABLE,
    experiment_name,
    has_password,
    sqlite_path,
    tracking_uri,
)
from slimtune.training.usual_places import PLACE_FILE

URI_KEY, EXPERIMENT_KEY = "tracking.uri", "tracking.experiment"
# before the last @ of a server's address, whatever signs a password has; a file has no user
LOGIN = re.compile(r"(?!(?:sqlite|journal|file):)([a-z][\w+.-]*://)(?:[^:@/?#]*@|[^:@/]*:.*@)", re.IGNORECASE)


class PlaceSetting(NamedTuple):
    """A store or an experiment, and what says so.

    Attributes:
        what: Which of the two.
        key: The config's key.
        variable: MLflow's, in the environment.
        source: Which of them says it; None is the usual one.
        value: What is said, or usual.
    """

    what: str
    key: str
    variable: str
    source: str | None
    value: str


class RunsPlace(NamedTuple):
    """Where runs lie.

    Attributes:
        uri: Of the store, without user and password.
        uri_source: What says so: `tracking.uri` or `MLFLOW_TRACKING_URI`; None is the usual store.
        within: The store's file as seen from the working directory, where it lies under that.
        experiment: Its name.
        experiment_source: What says so: `tracking.experiment` or `MLFLOW_EXPERIMENT_NAME`; None is the sweep's name.
    """

    uri: str
    uri_source: str | None
    within: str | None
    experiment: str
    experiment_source: str | None

    @property
    def store_setting(self) -> PlaceSetting:
        """The store, as errors tell it."""
        return PlaceSetting("store", URI_KEY, URI_VARIABLE, self.uri_source, self.uri)

    @property
    def experiment_setting(self) -> PlaceSetting:
        """The experiment, as errors tell it."""
        return PlaceSetting("experiment", EXPERIMENT_KEY, EXPERIMENT_VARIABLE, self.experiment_source, self.experiment)

    def is_store_of(self, now: "RunsPlace") -> bool:
        """Whether another command has the same store; that of a project that was moved has moved with it."""
        if self.uri == now.uri:
            return True
        path, other = sqlite_path(self.uri), sqlite_path(now.uri)
        if path is None or other is None:
            return False
        return path.resolve() == other.resolve() or (self.within == now.within is not None and not path.exists())


def place_of(config: TrackingConfig, experiment: str) -> RunsPlace:
    """Where the runs of a config lie.

    Args:
        config: Its tracker.
        experiment: What is taken where neither key nor variable names one.
    """
    uri = tracking_uri(config.uri)
    return RunsPlace(
        uri=without_login(uri),
        uri_source=_source(config.uri, URI_KEY, URI_VARIABLE),
        within=_within(uri),
        experiment=experiment_name(config.experiment, experiment),
        experiment_source=_source(config.experiment, EXPERIMENT_KEY, EXPERIMENT_VARIABLE),
    )


def _source(configured: str | None, key: str, variable: str) -> str | None:
    return key if configured else variable if os.environ.get(variable) else None


def read_place(values: Mapping[str, Any]) -> RunsPlace:
    """A place from what was noted.

    Raises:
        TypeError: It is no such note.
    """
    return RunsPlace(**values)


def without_login(uri: str) -> str:
    """A URI by which a store is known, whoever logs in."""
    address, _, query = LOGIN.sub(r"\1", uri).partition("?")
    kept = [part for part in query.split("&") if part and not has_password(f"?{part}")]
    return "?".join([address.rstrip("/"), *(["&".join(kept)] if kept else [])])


def _within(uri: str) -> str | None:
    path, here = sqlite_path(uri), Path.cwd()
    return path.relative_to(here).as_posix() if path is not None and path.is_relative_to(here) else None


def places_told(noted: PlaceSetting, now: PlaceSetting) -> str:
    """Where the runs of a sweep lie and where a command would look for them, as an error begins."""
    if now.source is None:
        said = f"{now.key} is not given and {now.variable} is not set, so the {now.what} would be '{now.value}'"
    else:
        said = f"{now.source}{' in the environment' if now.source == now.variable else ''} is '{now.value}'"
    by = f"by {noted.source}" if noted.source else f"{noted.key} and {noted.variable} were not set"
    return f"{said}, and the runs so far lie in the {noted.what} '{noted.value}' ({by})"


def way_back(noted: PlaceSetting, now: PlaceSetting) -> str:
    """What brings the noted value back."""
    if noted.source == noted.variable:
        return f"set {noted.variable}={shlex.quote(noted.value)} again"
    if noted.source is not None:
        return f"give {noted.key}={shlex.quote(noted.value)} again"
    if now.source is None:
        return "give the command in the folder in which the sweep was begun"
    return f"unset {now.variable}" if now.source == now.variable else f"leave {now.key} out"


def note_beside(folder: Path, place: RunsPlace) -> None:
    """Note in the folder of a sweep where its runs lie."""
    write_json(folder / PLACE_FILE, place._asdict())


def noted_beside(folder: Path) -> RunsPlace | None:
    """What was noted in the folder of a sweep, for it or for a folder in it; None if nothing was.

    Raises:
        StoreError: The note is broken.
    """
    # a bundle lies in `export/bundle`, or deeper for onnxruntime-genai
    for place in (folder, *list(folder.absolute().parents)[:3]):
        path = place / PLACE_FILE
        try:
            return read_place(read_object(path))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except BROKEN as error:
            raise StoreError(f"{path} is broken: {fault_of(error)}; bring it back from a copy, or remove it") from error
    return None


def store_elsewhere(noted: RunsPlace | None) -> str | None:
    """The store of a sweep's runs, where a command that is given none would look into another one; else None."""
    if noted is None or noted.is_store_of(place_of(mlflow_at(None), noted.experiment)):
        return None
    return noted.uri


def check_store(noted: RunsPlace | None, given: str | None) -> None:
    """Whether a command that is given no store would look into the one that a sweep's runs lie in.

    Args:
        noted: Where these lie; None is not known.
        given: `--tracking-uri`; whoever gives it means it.

    Raises:
        StoreError: It would look into another one.
    """
    if noted is None or given is not None:
        return
    now = place_of(mlflow_at(None), noted.experiment)
    if not noted.is_store_of(now):
        option = "--tracking-uri"
        raise StoreError(
            f"{places_told(noted.store_setting, now.store_setting._replace(key=option))}; add {option} "
            f"{shlex.quote(noted.uri)}, or, if the other one is meant, {option} {shlex.quote(now.uri)}"
        )
