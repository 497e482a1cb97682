"""What is written beside the weights that an evaluation has scored."""

from slimtune.training.checkpoints.checkpoint import CheckpointRecord
from slimtune.training.trial import Report, Trial
from slimtune.training.workbench.workbench import Workbench


def scored_record(trial: Trial, bench: Workbench, report: Report, examples_seen: int) -> CheckpointRecord:
    """The record of a trial's checkpoint after so many examples, with its scores."""
    return CheckpointRecord(
        config=dict(trial.config),
        labels=bench.task.labels,
        scores=report.as_metrics(),
        examples_seen=examples_seen,
        data_fingerprint=bench.data_fingerprint,
        base_dtype=str(bench.base.dtype).removeprefix("torch."),
        base_fingerprint=bench.base_fingerprint,
    )
