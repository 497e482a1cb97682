"""What is looked at before the first trial: rows, model, device, export, and where results are written."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from slimtune.export.bundle.export_folder import EXPORT_FOLDER, check_export_folder
from slimtune.export.config import ExportConfig, OnnxExport
from slimtune.sweeper.campaigns.places import Places, check_room, needed_bytes, place_checks
from slimtune.sweeper.search_config import Rungs
from slimtune.training.broken_files import refused_place
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data_report.kept_report import kept_report_of
from slimtune.training.data_report.report import DataReport
from slimtune.training.distributed.sharding import check_shards
from slimtune.training.engine.cadence import plan_of
from slimtune.training.engine.compile import is_worth_compiling
from slimtune.training.engine.optimizer import check_optimizer
from slimtune.training.errors import StoreError, check_all
from slimtune.training.hardware.resources import resolve
from slimtune.training.listed_names import counted
from slimtune.training.models.weights_fingerprint import weights_fingerprint
from slimtune.training.tasks.loss import own_loss
from slimtune.training.workbench.evaluation_share import evaluation_note
from slimtune.training.workbench.preflight import check_fits, model_checks, model_notes
from slimtune.training.workbench.prepared_data import PreparedData, ReadRows, prepare_data
from slimtune.training.workbench.sound_part import checks_beside_faults


class Preparation(NamedTuple):
    """What is known before the first trial.

    Attributes:
        rungs: Evaluation cadence and length of the base config's trial.
        data_fingerprint: sha256 of the rows and their split.
        base_fingerprint: sha256 of what the weights of the base config's model are known by; None where that is not
            known.
        report: What a person should know about the rows and the model.
        num_train_rows: Rows that a trial trains on, as they are encoded.
    """

    rungs: Rungs
    data_fingerprint: str
    base_fingerprint: str | None
    report: DataReport
    num_train_rows: int


def prepare(
    config: TrialConfig,
    export: ExportConfig | None = None,
    *,
    places: Places | None = None,
    read: ReadRows | None = None,
) -> Preparation:
    """Check all that a trial, its evaluation and its export need; the data is encoded, so that no trial waits for it.

    Args:
        config: The base config.
        export: What becomes of the winner; None is not looked at.
        places: Where results are written; None is not looked at.
        read: Keeps the rows for what comes after.

    Raises:
        UserError: Something cannot be used, all of it at once; no trial was begun.
    """
    found: list[PreparedData] = []
    notes: list[str] = []
    check_all(checks(config, export, places, read or ReadRows(), (found, notes)))
    return preparation_of(config, found[0], notes)


def preparation_of(config: TrialConfig, data: PreparedData, notes: Sequence[str]) -> Preparation:
    """What is known of data with which nothing is wrong."""
    num_rows = len(data.encoded["train"])
    plan = plan_of(config.fit, num_rows)
    report = kept_report_of(data)
    return Preparation(
        rungs=Rungs(plan.eval_every, plan.total_examples),
        data_fingerprint=data.rows.fingerprint,
        base_fingerprint=weights_fingerprint(config.model),
        report=replace(report, notes=[*report.notes, *notes, *_scoring_notes(data._replace(config=config))]),
        num_train_rows=num_rows,
    )


def _scoring_notes(data: PreparedData) -> list[str]:
    """Which rows trials are scored on, where these are not all, and whether that takes long."""
    every, most = len(data.rows.validation), data.config.data.validation_rows
    if most is not None and most < every:
        finalists = "finalists' reruns on all, and where there are none the sample chooses the winner"
        return [
            f"trials are scored on {most:,} of {counted(every, 'validation row')} (data.validation_rows), {finalists}"
        ]
    note = evaluation_note(data.config.fit, data.encoded["train"], data.encoded.get("validation"))
    return [] if note is None else [note]


def checks(
    config: TrialConfig,
    export: ExportConfig | None,
    places: Places | None,
    read: ReadRows,
    into: tuple[list[PreparedData], list[str]],
) -> Iterator[Callable[[], object]]:
    """Folders first, then rows and model, then what these leave open."""
    found, notes = into
    if places is not None:
        yield from place_checks(places, config)
        # a sweep's, which is exported without another command
        if isinstance(export, OnnxExport) and places.storage is not None:
            yield partial(check_export_folder, places.folder / EXPORT_FOLDER, export)
    yield lambda: found.append(_data_of(config, read))
    if not found:
        # rows that cannot be read hide nothing of the others and of the model
        yield from checks_beside_faults(config, read, found)
    yield partial(_machine, config, found)
    # a loss that nobody can make is told now
    yield partial(own_loss, config.task.loss)
    for data in found:
        if places is not None:
            yield partial(check_room, places, needed_bytes(data.model, config, export, places.num_checkpoints))
        yield partial(getattr, data.task, "measures")
        # before the checks, which settle what is told
        notes += model_notes(data)
        yield from _model_checks(data, export)


def _machine(config: TrialConfig, found: Sequence[PreparedData]) -> None:
    """Device, precision, optimizer and compiler."""
    resources = resolve(config.fit)
    check_optimizer(config.fit, [resources.device.type])
    if config.fit.fsdp:
        check_shards()
    for data in found:
        check_fits(data, resources)
        is_worth_compiling(config.fit, plan_of(config.fit, len(data.encoded["train"])), resources)


def _data_of(config: TrialConfig, read: ReadRows) -> PreparedData:
    try:
        return prepare_data(config, read)
    except OSError as error:
        raise StoreError(refused_place(error) or f"a file cannot be read or written: {error}") from None


def _model_checks(data: PreparedData, export: ExportConfig | None) -> Iterator[Callable[[], object]]:
    yield from model_checks(data)
    if isinstance(export, OnnxExport):
        # it runs what it looks at, which asks for a model that fits its rows
        from slimtune.export.preflight import export_checks

        yield from export_checks(data, export)
