"""What a study begins with: points that are tried first, and trials of another sweep."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from slimtune.sweeper.goals.difference import begun_otherwise, goals_difference
from slimtune.sweeper.goals.goals import ATTR, Goals, goals_of
from slimtune.sweeper.search.first_points import enqueued_points, folder_of, no_such_sweep, point_of
from slimtune.sweeper.search.request import SweepRequest
from slimtune.sweeper.search_config import study_url
from slimtune.sweeper.study import Study, load_study_trials
from slimtune.sweeper.study.loaded import study_name_in
from slimtune.sweeper.study.record import BUDGET, TrialRecord
from slimtune.training.errors import StoreError
from slimtune.training.listed_names import agreeing, counted


def begin(study: Study, request: SweepRequest, *, differs: Callable[[Mapping[str, Any]], str | None]) -> list[str]:
    """Let a study begin with the config's own point, those of `search.enqueue` and those of another sweep.

    Args:
        study: The sweep's.
        request: What is asked for.
        differs: Given what was noted on the other study: why its objectives do not compare with the sweep's, or None.

    Returns:
        What a person should know of it.

    Raises:
        StoreError: There is no such sweep, or the study was begun with other objectives or constraints.
    """
    config = request.search.config
    note_goals(study)
    study.set_attr(BUDGET, study.num_in_all())
    study.start_from(request.start_point())
    notes = _fewer_notes(study)
    if left := study.enqueue_new(enqueued_points(config.enqueue, request.space)):
        notes.append(
            f"{counted(left, 'point')} of search.enqueue {agreeing(left, 'has', 'have')} no place in the budget; raise "
            "search.n_trials"
        )
    if config.warm_start is not None and study.is_new():
        notes.append(_learn(study, request, differs))
    return notes


def _fewer_notes(study: Study) -> list[str]:
    """That fewer trials are asked for than there are."""
    wanted, kept = study.spec.n_trials, study.num_kept()
    if wanted >= kept:
        return []
    return [
        f"search.n_trials is {wanted}, and {counted(kept, 'trial was', 'trials were')} begun before: none of "
        f"them is taken away, and none is begun; the sweep has {kept}, and a number above that adds to them"
    ]


def note_goals(study: Study) -> None:
    """Note what the trials of a study are measured by.

    Raises:
        StoreError: It was begun with other objectives or constraints.
    """
    now = study.spec.goals.described()
    known = _noted_goals(study) if ATTR in study.attrs() or study.num_begun() else now
    if (differ := goals_difference(known, now)) is not None:
        raise StoreError(begun_otherwise(study.spec.name, differ))
    if study.spec.goals.is_named:
        study.set_attr(ATTR, now)


def check_goals(study: Study) -> None:
    """For who joins: the one that leads has noted what trials are measured by, if that has names.

    Raises:
        StoreError: The sweep is led with other objectives or constraints.
    """
    known, now = _noted_goals(study), study.spec.goals.described()
    if (differ := goals_difference(known, now)) is not None:
        raise StoreError(f"the sweep is led with other goals: {differ} here; give it the same command")


def _noted_goals(study: Study) -> Mapping[str, Any]:
    """Where none were noted, they have no names."""
    ways = [one.maximize for one in study.spec.goals.objectives]
    noted: Mapping[str, Any] = study.attrs().get(ATTR, goals_of(ways).described())
    return noted


def _learn(study: Study, request: SweepRequest, differs: Callable[[Mapping[str, Any]], str | None]) -> str:
    """Begin with another sweep's best points, and let the sampler see its trials if they compare."""
    config = request.search.config
    storage, name = _place_of(request)
    other = load_study_trials(storage, name)
    points = [point for trial in other.ranked() if (point := point_of(trial.params, request.space))]
    chosen = points[: config.warm_start_points]
    begun = len(chosen) - study.enqueue_new(chosen)
    why = differs(other.attrs) or _other_goals(other.goals, study.spec.goals)
    number = study.learn_from([] if why else other.trials)
    if why:
        learned = f"its trials are not compared with, since {why}"
    else:
        learned = f"the sampler learns from {counted(number, 'trial')}{'' if number else _why_none(other.trials)}"
    return (
        f"search.warm_start={config.warm_start}: {counted(begun, 'point is', 'points are')} tried first, and {learned}"
    )


def _why_none(trials: Sequence[TrialRecord]) -> str:
    if not trials:
        return ", since it has none"
    wanted = "the same keys, and values that are searched here"
    return f", since none of its {len(trials)} is a point of this space: {wanted}"


def _place_of(request: SweepRequest) -> tuple[str, str]:
    """Storage and name of the other study."""
    config = request.search.config
    assert config.warm_start is not None
    folder = folder_of(config.warm_start, request.folder)
    if folder is not None:
        # an app of its own has a study of the app's name in a folder of any other
        return study_url(folder), study_name_in(study_url(folder), folder.name)
    if config.storage is None:
        # the sweep has a study in which nothing was begun
        raise StoreError(no_such_sweep(config.warm_start, request.folder))
    return request.storage, config.warm_start


def _other_goals(theirs: Goals, ours: Goals) -> str | None:
    """Objectives without names are told apart by their directions."""
    ways, own_ways = ([one.maximize for one in goals.objectives] for goals in (theirs, ours))
    if len(ways) == len(own_ways) == 1 and ways != own_ways:
        return f"their objective was {'maximized' if ways[0] else 'minimized'}"
    named = theirs.is_named and ours.is_named
    if ways == own_ways and theirs.constraints == ours.constraints and (not named or theirs.names == ours.names):
        return None
    told = [" and ".join(goals.names) for goals in (theirs, ours)]
    return f"their objectives or constraints were others ({told[0]}, here {told[1]})"
