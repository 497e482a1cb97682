"""What makes a sweep the same sweep: its config without machine settings, and its data."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from slimtune.sweeper.campaigns.comparable import NEUTRAL_KEYS, result_keys
from slimtune.sweeper.campaigns.preparation import Preparation
from slimtune.sweeper.goals.difference import begun_otherwise, goals_difference
from slimtune.sweeper.goals.goals import ATTR, goals_of
from slimtune.sweeper.reporting.sweep_settings import as_set
from slimtune.sweeper.search.request import SweepRequest
from slimtune.sweeper.study.loaded import load_study_attrs
from slimtune.sweeper.study.record import IDENTITY
from slimtune.sweeper.study.storages.loading import is_in_file
from slimtune.training.broken_files import BROKEN, read_object
from slimtune.training.errors import StoreError
from slimtune.training.listed_names import counted, on_one_line
from slimtune.training.usual_places import DATA_REPORT_FILE

# these say where the rows are; which rows there are is told by their fingerprint
WHERE_KEYS = {
    "data.train_file",
    "data.validation_file",
    "data.test_file",
    "data.dataset",
    "data.dataset_config",
    "data.train_split",
    "data.eval_split",
    "data.test_split",
}


# known by fingerprints, which say only whether two are the same, and nothing to a person
ROWS, WEIGHTS = "the rows of the data", "the weights of the base model"
OTHER_ROWS = "others than at its beginning: a file has changed since, or rows are read or split in another way"
OTHER_WEIGHTS = "others than at its beginning: the files of the model have changed since"


def identity_of(request: SweepRequest, data_fingerprint: str, base_fingerprint: str | None = None) -> dict[str, str]:
    """Everything that trials and scores depend on, by key."""
    values: dict[str, Any] = result_keys(request.values)
    config = request.search.config
    values |= {"search.seed": config.seed, "search.direction": config.direction.value}
    values |= {"search.stop_hopeless": config.stop_hopeless}
    values |= {"search.sampler": request.search.sampler, "search.pruner": request.search.pruner}
    if config.warm_start is not None:
        values |= {"search.warm_start": config.warm_start}
    values |= request.space.described()
    if request.extension is not None:
        values["hydra.sweeper.custom_search_space"] = request.extension
    values[ROWS] = data_fingerprint
    if base_fingerprint is not None:
        values[WEIGHTS] = base_fingerprint
    return {key: str(value) for key, value in values.items() if key not in WHERE_KEYS}


def check_same(
    known: Mapping[str, str] | None, now: Mapping[str, str], *, name: str, told_rows: Callable[[], str] = str
) -> None:
    """Compare a sweep with its beginning.

    Args:
        known: What it was begun with; None is not known.
        now: What is asked for.
        name: Of the sweep.
        told_rows: Says, behind the word that rows are others, how many there were and are.

    Raises:
        StoreError: It was begun with something else; all differences are named.
    """
    known = {key: value for key, value in (known or now).items() if key not in NEUTRAL_KEYS | WHERE_KEYS}
    if known == now:
        return
    before, after = as_set(known), as_set(now)
    keys = [key for key in sorted(before.keys() | after.keys()) if before.get(key) != after.get(key)]
    others = {ROWS: f"{OTHER_ROWS}{told_rows()}" if ROWS in keys else "", WEIGHTS: OTHER_WEIGHTS}
    changed = [f"  - {key}: {others.get(key) or f'{_told(before, key)} -> {_told(after, key)}'}" for key in keys]
    begun = "other rows" if keys == [ROWS] else "another config"
    raise StoreError(
        "\n".join(
            [
                f"the sweep '{name}' was begun with {begun}, so its trials do not compare:",
                *changed,
                "take another search.name, or remove the sweep's folder to begin anew",
            ]
        )
    )


def check_begun(request: SweepRequest, prepared: Preparation) -> None:
    """Compare what is asked for with the sweep of that name, where a file has one; nothing is written.

    Raises:
        StoreError: It was begun with something else, or the storage cannot be read.
    """
    name, storage = request.search.config.name, request.storage
    if is_in_file(storage, name):
        now = identity_of(request, prepared.data_fingerprint, prepared.base_fingerprint)
        told_rows = partial(counts_told, request, prepared)
        attrs = load_study_attrs(storage, name)
        check_same(attrs.get(IDENTITY), now, name=name, told_rows=told_rows)
        _check_goals(attrs, request)


def _check_goals(attrs: Mapping[str, Any], request: SweepRequest) -> None:
    goals = request.search.goals
    # where none were noted, they had no names
    unnamed = goals_of([goals.objectives[0].maximize]) if goals.is_named else goals
    differ = goals_difference(attrs.get(ATTR) or unnamed.described(), goals.described())
    if IDENTITY in attrs and differ is not None:
        raise StoreError(begun_otherwise(request.search.config.name, differ))


def counts_told(request: SweepRequest, prepared: Preparation) -> str:
    """How many rows a sweep has had, as far as its data report says it, and how many there are now."""
    before = _rows_noted(request.folder / DATA_REPORT_FILE)
    now = sum(split.num_rows for split in prepared.report.splits)
    return f" ({counted(now, 'row')} now)" if before is None else f" ({counted(before, 'row')} before, {now:,} now)"


def _rows_noted(path: Path) -> int | None:
    try:
        return sum(int(split["num_rows"]) for split in read_object(path)["splits"])
    except BROKEN:
        # the sweep may be of another machine; what differs is told without it
        return None


def difference(known: Mapping[str, str] | None, now: Mapping[str, str]) -> str | None:
    """Why the trials of another sweep do not compare with those of this one; None if they do.

    What is searched in both may differ in its range: a trial is known by its values.
    """
    if known is None:
        return "it does not say how they were measured"
    searched = {key.partition(" ")[0].removeprefix("space.") for key in known if key.startswith("space.")}
    searched &= {key.partition(" ")[0].removeprefix("space.") for key in now if key.startswith("space.")}
    for key in sorted(known.keys() | now.keys()):
        if key in searched or key in NEUTRAL_KEYS | WHERE_KEYS or key.startswith(("search.", "space.")):
            continue
        if known.get(key) != now.get(key):
            if key in (ROWS, WEIGHTS):
                return f"{key} are others"
            return f"{key} differs ({_told(known, key)}, here {_told(now, key)})"
    return None


def _told(values: Mapping[str, str], key: str) -> str:
    return on_one_line(values.get(key, "not there"))
