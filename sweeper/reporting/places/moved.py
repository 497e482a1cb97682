"""What is wrong with going on in another tracker or experiment than before; nothing heavy is imported to say so."""

from collections.abc import Collection

from slimtune.sweeper.space.override_text import override_value
from slimtune.training.tracking.places.place import (
    EXPERIMENT_KEY,
    URI_KEY,
    PlaceSetting,
    RunsPlace,
    places_told,
    way_back,
)


def moved_problems(noted: RunsPlace, now: RunsPlace, *, given: Collection[str]) -> list[str]:
    """What is wrong with going on elsewhere.

    Args:
        noted: Where runs lie.
        now: Where the next ones would go.
        given: Keys by which somebody says so on purpose.
    """
    problems = []
    if not noted.is_store_of(now) and URI_KEY not in given:
        problems.append(_other(noted.store_setting, now.store_setting))
    if noted.experiment != now.experiment and EXPERIMENT_KEY not in given:
        problems.append(_other(noted.experiment_setting, now.experiment_setting))
    return problems


def _other(noted: PlaceSetting, now: PlaceSetting) -> str:
    meant = f"if the next runs are to go to another {now.what}, say so: {now.key}={override_value(now.value)}"
    return f"{places_told(noted, now)}; {way_back(noted, now)}; {meant}"
