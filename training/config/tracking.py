"""The type of the config's section `tracking`. Values live in `conf/tracking/`; nothing here has a default."""

from dataclasses import dataclass, field
from enum import Enum

from slimtune.training.config.schema import above_zero


class TrackerName(Enum):
    """Where runs are logged."""

    mlflow = "mlflow"
    none = "none"


class TrackingMode(Enum):
    """Whether runs are sent while they are written.

    Attributes:
        online: Yes; what the tracker does not take waits on disk.
        offline: No: all waits on disk until `slimtune sync`.
    """

    online = "online"
    offline = "offline"


class CheckpointPolicy(Enum):
    """Whose checkpoints are uploaded to the tracker."""

    all = "all"
    best = "best"
    none = "none"


@dataclass(slots=True, kw_only=True)
class TrackingConfig:
    """Where runs are logged, and what of them.

    Attributes:
    name: `none` logs nothing.
    mode: Whether runs are sent at once, or by `slimtune sync`.
    uri: MLflow tracking URI; null is MLFLOW_TRACKING_URI of the environment, and without that `mlruns/mlflow.db`
        (SQLite) under the working directory.
    experiment: MLflow experiment; null is MLFLOW_EXPERIMENT_NAME of the environment, and without that the sweep's name.
    checkpoints: Whose checkpoints are uploaded as artifacts.
    log_every: Optimizer steps between training metrics.
    tensorboard: Whether trials write event files for TensorBoard too, into `tensorboard/` in their folders.
    wandb: Whether trials have a run in Weights & Biases too, in the project of the sweep's name.
    """

    name: TrackerName
    mode: TrackingMode
    uri: str | None
    experiment: str | None
    checkpoints: CheckpointPolicy
    log_every: int = field(metadata=above_zero(10))
    tensorboard: bool
    wandb: bool


def mlflow_at(uri: str | None, experiment: str | None = None) -> TrackingConfig:
    """Settings of a run that a command logs by itself, beside any config.

    Args:
        uri: As `TrackingConfig.uri`.
        experiment: As `TrackingConfig.experiment`.
    """
    return TrackingConfig(
        name=TrackerName.mlflow,
        mode=TrackingMode.online,
        uri=uri,
        experiment=experiment,
        checkpoints=CheckpointPolicy.none,
        log_every=1,
        tensorboard=False,
        wandb=False,
    )
