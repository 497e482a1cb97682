"""A run's config and scores, from the tracker or from the folder of a trial; and how two of them differ."""

from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import Any, NamedTuple

import yaml

from slimtune.training.broken_files import BROKEN, fault_of, read_object
from slimtune.training.checkpoints.find import RUN_ID, why_none
from slimtune.training.checkpoints.kinds import CONFIG, RECORD
from slimtune.training.errors import StoreError
from slimtune.training.tracking.display import best_metrics, by_dotted_key, display, tracked_number, without_log10
from slimtune.training.tracking.uri import sqlite_path, tracking_uri, without_password
from slimtune.training.usual_places import home_path, last_checkpoint

# kinds of runs, as they are tagged
SWEEP, TRIAL, RERUN = "sweep", "trial", "rerun"


class RunRecord(NamedTuple):
    """A run.

    Attributes:
        name: As it was given.
        config: Values by dotted key, as the tracker shows them.
        metrics: Scores by name.
        at_best: Whether they are of the best evaluation, as a checkpoint has them; the tracker has the last ones too.
        unscored: Why there are no scores; None where there are.
        kind: `sweep`, `trial`, `export`, ...; None of a run that is not slimtune's.
        sweep: Name of the sweep that it belongs to, as the tracker has it.
    """

    name: str
    config: Mapping[str, str]
    metrics: Mapping[str, float]
    at_best: bool
    unscored: str | None = None
    kind: str | None = TRIAL
    sweep: str | None = None


class Difference(NamedTuple):
    """A key or a metric in which two runs differ; None where one of them lacks it."""

    name: str
    first: str | float | None
    second: str | float | None


def names_a_run(given: str) -> bool:
    """Whether it has the form of a run's id, or is a folder that a trial has written."""
    folder = home_path(given)
    return (folder / CONFIG).is_file() or (folder / RECORD).is_file() or bool(RUN_ID.fullmatch(given))


def read_run(given: str, uri: str | None) -> RunRecord:
    """A run by its id, or by the folder of a trial or of its checkpoint.

    Args:
        given: Id or folder.
        uri: Of the tracking store; None is the usual one.

    Raises:
        StoreError: There is none, or its files cannot be read.
    """
    folder = home_path(given)
    return _of_folder(given, folder) if folder.is_dir() else _of_tracker(given, tracking_uri(uri))


def _of_tracker(run_id: str, store: str) -> RunRecord:
    path = sqlite_path(store)
    if path is not None and not path.is_file():
        raise StoreError(
            f"there is no run {run_id}: {path} is not there; run this where the sweep ran, or give --tracking-uri"
        )
    from slimtune.training.tracking.mlflow_runs import run_data

    found = run_data(store, run_id)
    if found is None:
        raise StoreError(
            f"there is no run {run_id} in {without_password(store)}; `slimtune compare <sweep> --csv` has the runs' ids"
        )
    unscored = None if found.metrics else "the tracker has none of it: it has not been evaluated"
    kind = found.tags.get("kind")
    return RunRecord(
        run_id,
        without_log10(found.params),
        found.metrics,
        at_best=False,
        unscored=unscored,
        kind=TRIAL if kind == RERUN else kind,
        sweep=found.tags.get("sweep"),
    )


def _of_folder(given: str, folder: Path) -> RunRecord:
    checkpoint = last_checkpoint(folder)
    values: Mapping[str, Any] = _read(checkpoint / RECORD) if checkpoint is not None else {}
    config = _read(folder / CONFIG) if (folder / CONFIG).is_file() else values.get("config") or {}
    dotted = {key: display(value) for key, value in by_dotted_key(config).items()}
    scores = _at_best(_numbers(values.get("scores") or {}))
    return RunRecord(given, dotted, scores, at_best=True, unscored=None if scores else _unscored(folder, checkpoint))


def _unscored(folder: Path, checkpoint: Path | None) -> str:
    if checkpoint is not None:
        return f"{checkpoint} has none"
    return "; ".join(["it holds no checkpoint", *filter(None, [why_none(folder)])])


def _at_best(scores: Mapping[str, float]) -> dict[str, float]:
    """A checkpoint's scores, which are of the best evaluation: `train/loss` is the tracker's name of the last one.

    The objective is the tracker's too: of a trial that was not completed it is the last one.
    """
    training = {f"best/{name}": value for name, value in scores.items() if name.startswith("train/")}
    return {**best_metrics(scores), **training}


def _numbers(scores: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in scores.items() if isinstance(value, int | float)}


def _read(path: Path) -> Mapping[str, Any]:
    try:
        if path.suffix == ".json":
            return read_object(path)
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (*BROKEN, yaml.YAMLError) as error:
        raise StoreError(
            f"{path} cannot be read: {fault_of(error)}; bring it back from a copy, or compare other runs"
        ) from error
    return found if isinstance(found, Mapping) else {}


def comparable_metrics(first: RunRecord, second: RunRecord) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """The metrics of two runs that mean the same in both: of a folder and a run of the tracker what both have."""
    if first.at_best == second.at_best:
        return first.metrics, second.metrics
    shared = [name for name in first.metrics if name in second.metrics]
    one, other = ({name: tracked_number(run.metrics[name]) for name in shared} for run in (first, second))
    return one, other


def check_one_kind(first: RunRecord, second: RunRecord) -> None:
    """Whether two runs are of one kind, and have a config.

    Raises:
        StoreError: A sweep's own run has none that a trial's compares with.
    """
    sweeps = [run for run in (first, second) if run.kind == SWEEP]
    if len(sweeps) == 2:
        names = " ".join(dict.fromkeys(quote(run.sweep or run.name) for run in sweeps))
        raise StoreError(
            f"{first.name} and {second.name} are runs of sweeps themselves, which have no config of a trial; compare "
            f"the sweeps: slimtune compare {names}"
        )
    if first.kind != second.kind and None not in (first.kind, second.kind):
        told = (f"{run.name} is the run of {_told_kind(run)}" for run in (first, second))
        raise StoreError(f"{', and '.join(told)}, which do not compare; give two of one kind, e.g. two trials")


def _told_kind(run: RunRecord) -> str:
    if run.kind == SWEEP:
        return f"a sweep itself ({run.sweep or run.name})"
    return f"{'an' if str(run.kind)[0] in 'aeiou' else 'a'} {run.kind}"


def unscored_notes(runs: tuple[RunRecord, RunRecord]) -> list[str]:
    """Why two runs do not compare by their scores: which of them has none; nothing where they do."""
    named = {run.name: run.unscored for run in runs if run.unscored is not None}
    if not named and not any(comparable_metrics(*runs)):
        return ["the two have no score of the same name"]
    return [f"{name} has no scores: {why}" for name, why in named.items()]


def differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Difference]:
    """Names with other values, in the order of the first."""
    names = list(dict.fromkeys([*first, *second]))
    return [Difference(one, first.get(one), second.get(one)) for one in names if first.get(one) != second.get(one)]
