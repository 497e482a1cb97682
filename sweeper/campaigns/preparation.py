"""What is looked at before the first trial: the data is read and split, the model is there."""

from typing import NamedTuple

from slimtune.sweeper.search_config import Rungs
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data_report.build import data_report_of
from slimtune.training.data_report.report import DataReport
from slimtune.training.engine.cadence import plan_of
from slimtune.training.hardware.resources import resolve
from slimtune.training.methods import method_of
from slimtune.training.tasks.loss import own_loss
from slimtune.training.workbench.preflight import check_positions, positions_of
from slimtune.training.workbench.prepared_data import PreparedData, ReadRows, prepare_data


class Preparation(NamedTuple):
    """What is known before the first trial.

    Attributes:
        rungs: Evaluation cadence and length of the base config's trial.
        data_fingerprint: sha256 of the rows and their split.
        report: What a person should know about the rows.
        positions: Tokens that the model has positions for; None if any number.
        export_kind: How models of the task are exported; None if they are not.
    """

    rungs: Rungs
    data_fingerprint: str
    report: DataReport
    positions: int | None
    export_kind: str | None


def prepare(config: TrialConfig, read: ReadRows | None = None) -> Preparation:
    """Check data, labels, model and device; the data is encoded, so that no trial waits for it.

    Args:
        config: The base config.
        read: Keeps the rows for what comes after.

    Raises:
        UserError: Something cannot be used; no trial was begun.
    """
    data = check_trial(config, read)
    plan = plan_of(config.fit, len(data.encoded["train"]))
    return Preparation(
        rungs=Rungs(plan.eval_every, plan.total_examples),
        data_fingerprint=data.rows.fingerprint,
        report=data_report_of(data),
        positions=positions_of(data.model.config),
        export_kind=data.task.export_kind,
    )


def check_trial(config: TrialConfig, read: ReadRows | None = None) -> PreparedData:
    """Look at what a trial of this config needs, e.g. with another option of a group that is searched.

    Args:
        config: The trial's.
        read: Rows that were read before.

    Raises:
        UserError: Something cannot be used.
    """
    data = prepare_data(config, read)
    method_of(config.method).check(data.model, data.task.peft_task_type)
    check_positions(config.method, data.model.config, longest=int(data.encoded["train"].encoded.lengths().max()))
    resolve(config.fit)
    # a loss or a score that nobody can make is told now
    own_loss(config.task.loss)
    _ = data.task.measures
    return data
