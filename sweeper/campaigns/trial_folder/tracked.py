"""Where the run of a trial without a search lies: noted in its folder, and gone on with there."""

from pathlib import Path

from slimtune.sweeper.reporting.places.moved import moved_problems
from slimtune.training.config.tracking import TrackerName, TrackingConfig
from slimtune.training.errors import ConfigError
from slimtune.training.tracking.places.place import RunsPlace, note_beside, noted_beside, place_of
from slimtune.training.usual_places import PLACE_FILE


def check_same_tracker(folder: Path, config: TrackingConfig, experiment: str) -> None:
    """Compare where the run of an interrupted trial would go on with where it lies; nothing is written.

    Args:
        folder: The trial's.
        config: Its tracker.
        experiment: What is taken where neither key nor variable names one.

    Raises:
        ConfigError: Another one is named by the environment, and not by the config.
    """
    if config.name is TrackerName.none or not (folder / PLACE_FILE).is_file():
        return
    now, noted = place_of(config, experiment), noted_beside(folder)
    if noted is not None and (problems := moved_problems(noted, now, given=_by_keys(now))):
        raise ConfigError(problems)


def note_tracker(folder: Path, config: TrackingConfig, experiment: str) -> None:
    """Note it in the trial's folder."""
    if config.name is not TrackerName.none:
        note_beside(folder, place_of(config, experiment))


def _by_keys(place: RunsPlace) -> set[str]:
    """The keys that a config itself gives."""
    settings = (place.store_setting, place.experiment_setting)
    return {one.key for one in settings if one.source == one.key}
