"""Where a sweep's runs lie: noted with its study, and never left but on purpose."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from slimtune.sweeper.reporting.places.moved import moved_problems
from slimtune.sweeper.reporting.places.noted import noted_place
from slimtune.sweeper.search.request import SweepRequest
from slimtune.sweeper.study import Study
from slimtune.sweeper.study.loaded import load_study_attrs
from slimtune.sweeper.study.record import PLACE
from slimtune.sweeper.study.storages.loading import is_in_file
from slimtune.training.config.tracking import TrackerName, TrackingConfig
from slimtune.training.errors import ConfigError
from slimtune.training.tracking.places.place import RunsPlace, note_beside, place_of


class Move(NamedTuple):
    """A sweep that was told to go on elsewhere.

    Attributes:
        there: Where it goes on, in words.
        before: Where its runs so far stay.
        is_of_experiment: Whether the experiment is another one.
    """

    there: str
    before: str
    is_of_experiment: bool


def note_place(study: Study, folder: Path, place: RunsPlace) -> None:
    """Note it on the study, and in the sweep's folder for commands that open no study."""
    study.set_attr(PLACE, place._asdict())
    note_beside(folder, place)


def check_known_place(request: SweepRequest, config: TrackingConfig) -> None:
    """Compare where a sweep's runs would go with where they lie, if a file has its study; nothing is written.

    Raises:
        ConfigError: Another tracker or experiment is named, and not on the command line.
        StoreError: The study cannot be read.
    """
    name = request.search.config.name
    if is_in_file(request.storage, name):
        check_same_place(load_study_attrs(request.storage, name), request, config)


def check_same_place(attrs: Mapping[str, Any], request: SweepRequest, config: TrackingConfig) -> None:
    """The same of a study that is open.

    Raises:
        ConfigError: Another tracker or experiment is named, and not on the command line.
    """
    noted = noted_place(attrs)
    if noted is None or config.name is TrackerName.none:
        return
    now = place_of(config, request.search.config.name)
    if problems := moved_problems(noted, now, given=_given(request)):
        raise ConfigError(problems)


def move_told(noted: RunsPlace | None, now: RunsPlace) -> Move | None:
    """Where a sweep goes on that was told to leave its tracker or experiment; None where it stays."""
    if noted is None:
        return None
    has_other_store, has_other_experiment = not noted.is_store_of(now), noted.experiment != now.experiment
    if not (has_other_store or has_other_experiment):
        return None
    there = f"tracker, '{now.uri}'" if has_other_store else f"experiment, '{now.experiment}'"
    before = noted.uri if has_other_store else noted.experiment
    return Move(there, before, has_other_experiment)


def _given(request: SweepRequest) -> set[str]:
    """Keys that the command line itself gives a value, which is none of the environment's."""
    words = [word.partition("=") for word in request.command_line()]
    return {key.lstrip("+~") for key, _, value in words if value.strip("'\"") not in ("", "null") and "${" not in value}
