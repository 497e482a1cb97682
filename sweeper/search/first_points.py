"""Points that a sweep tries first, and what is wrong with them; known at once."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from slimtune.sweeper.search_config import SearchConfig
from slimtune.sweeper.space.dimension import Choice, FloatRange, IntRange, Scalar
from slimtune.sweeper.space.search_space import SearchSpace
from slimtune.sweeper.space.start_point import point_in
from slimtune.sweeper.study_file import no_study_reason
from slimtune.training.config.schema import suggestion
from slimtune.training.listed_names import counted, with_commas
from slimtune.training.tracking.display import by_dotted_key
from slimtune.training.usual_places import STUDY_FILE, home_path, sweeps_under


def enqueued_points(given: Sequence[Mapping[str, Any]], space: SearchSpace) -> list[dict[str, Scalar]]:
    """The points of `search.enqueue` by the keys that are searched."""
    return [_point(one, space)[0] for one in given]


def first_point_problems(config: SearchConfig, space: SearchSpace) -> list[str]:
    """What is wrong with `search.enqueue`: a key that is not searched, a value that its dimension does not hold."""
    problems = []
    for index, given in enumerate(config.enqueue):
        problems += [f"search.enqueue[{index}]{problem}" for problem in _point(given, space)[1]]
    if len(config.enqueue) > config.n_trials:
        problems.append(
            f"search.enqueue has {counted(len(config.enqueue), 'point')}, more than search.n_trials "
            f"({config.n_trials}); raise it"
        )
    return problems


def _point(given: Mapping[str, Any], space: SearchSpace) -> tuple[dict[str, Scalar], list[str]]:
    keys = space.searched_keys()
    wanted, problems = {}, [] if given else [" is empty; name at least one searched key and its value"]
    for name, value in by_dotted_key(given).items():
        fitting = [key for key in keys if key.lstrip("+") == name] or [
            key for key in keys if key.rpartition(".")[-1] == name
        ]
        if len(fitting) == 1:
            wanted[fitting[0]] = value
        else:
            problems.append(f" sets {name}, which is not searched; {suggestion(name, keys)}")
    wanted = _with_options(wanted, space)
    point = point_of(wanted, space)
    for key, value in wanted.items():
        if key not in point:
            problems.append(f".{key} is {value!r}, which is no value of its dimension; {_held(key, wanted, space)}")
    return point, problems


def _with_options(wanted: Mapping[str, Scalar], space: SearchSpace) -> dict[str, Scalar]:
    """With the options under which alone all of these keys are searched, where they were left out."""
    if space.branch_of(wanted) is None:
        fitting = [
            branch.choices
            for branch in space.branches
            if {step.key for step in space.steps(branch.choices)} >= set(wanted)
            and all(wanted.get(group, option) == option for group, option in branch.choices.items())
        ]
        if len(fitting) == 1:
            return {**fitting[0], **wanted}
    return dict(wanted)


def _held(key: str, point: Mapping[str, Scalar], space: SearchSpace) -> str:
    known = {step.key: step.dimension for step in space.steps(point)}
    match known.get(key):
        case None:
            under = [branch.label for branch in space.branches if key in branch.space]
            return f"it is searched under {with_commas(under)}: set that too" if under else "it is not searched there"
        case Choice(values):
            return f"use one of {', '.join(map(str, values))}"
        case FloatRange(low, high) | IntRange(low, high) as dimension:
            steps = f" in steps of {dimension.step}" if dimension.step not in (None, 1) else ""
            return (
                f"use {'a whole number' if isinstance(dimension, IntRange) else 'a number'} from {low} to {high}{steps}"
            )


def warm_start_problems(config: SearchConfig, folder: Path) -> list[str]:
    """What is wrong with `search.warm_start`, as far as folders tell.

    A sweep that has a study keeps what it read of the other one, which may be gone when it is resumed.
    """
    if config.warm_start is None:
        return []
    found = folder_of(config.warm_start, folder)
    if found is not None and found.resolve() == folder.resolve():
        return [f"search.warm_start is '{config.warm_start}', which is this sweep itself; name another one"]
    if (folder / STUDY_FILE).is_file() or (found is None and config.storage is not None):
        return []
    if found is not None:
        reason = no_study_reason(found / STUDY_FILE)
        repair = "bring the file back from a copy, or name another sweep"
        return [f"search.warm_start is '{config.warm_start}', but {reason}; {repair}"] if reason else []
    return [no_such_sweep(config.warm_start, folder)]


def no_such_sweep(sweep: str, folder: Path) -> str:
    """What is told of a sweep to begin with that does not lie beside this one."""
    known = [name for name in sweeps_under(folder.parent) if folder.parent / name != folder]
    return (
        f"search.warm_start is '{sweep}', and there is no such sweep in {folder.parent}; "
        f"known: {', '.join(known) or 'none'}"
    )


def folder_of(sweep: str, folder: Path) -> Path | None:
    """The folder of a sweep that is given by its folder or its name."""
    for one in (home_path(sweep).absolute(), folder.parent / sweep):
        if (one / STUDY_FILE).is_file():
            return one
    return None


def point_of(params: Mapping[str, Scalar], space: SearchSpace) -> dict[str, Scalar]:
    """The values of another sweep's trial, as far as the space holds them."""
    chosen = {key.lstrip("+"): value for key, value in params.items()}
    point: dict[str, Scalar] = {}
    # a dimension may depend on the options before it
    for _, key, dimension in space.steps(point):
        if key.lstrip("+") in chosen:
            point |= point_in({key: dimension}, {}, chosen)
    return point
