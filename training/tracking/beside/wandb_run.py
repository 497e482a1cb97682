"""A run of Weights & Biases: a trial's curves, its whole config and its final scores."""

import hashlib
import os
from collections.abc import Mapping
from typing import Any

from slimtune.training.errors import StoreError
from slimtune.training.tracking.run import MetricPoint
from slimtune.training.trial import Lineage

# the axis of all curves
EXAMPLES = "examples"


def check_credentials() -> None:
    """Whether W&B knows who asks, before it asks for a key on the terminal.

    Raises:
        StoreError: It would send runs, and has no key.
    """
    if os.environ.get("WANDB_MODE", "online") in ("offline", "disabled", "dryrun"):
        return
    import wandb

    if wandb.api.api_key is None:
        raise StoreError(
            "tracking.wandb is true, and W&B has no key: run wandb login, set WANDB_API_KEY, or WANDB_MODE=offline, "
            "which keeps the runs in the trials' folders for wandb sync"
        )


def _id_of(lineage: Lineage) -> str:
    """The same for each attempt at a trial, and of no other trial."""
    first = lineage.earlier[-1] if lineage.earlier else lineage.folder
    return hashlib.sha256(str(first.absolute()).encode()).hexdigest()[:16]


class WandbRun:
    """A run in the project of the sweep's name; credentials and `WANDB_MODE` come from the environment.

    Args:
        lineage: Of the trial, whose folder W&B writes into.
    """

    def __init__(self, lineage: Lineage) -> None:
        # half a second to import, on the tracker's thread
        import wandb

        self._run: Any = wandb.init(
            project=lineage.experiment,
            group=lineage.experiment,
            job_type=lineage.kind,
            name=lineage.name,
            # a trial that is tried again goes on with its run
            id=_id_of(lineage),
            resume="allow",
            dir=str(lineage.folder),
            # several trials at once have a run each
            reinit="create_new",
            settings=wandb.Settings(console="off", silent=True),
        )
        self._run.define_metric(EXAMPLES)
        self._run.define_metric("*", step_metric=EXAMPLES)

    def log_points(self, points: list[MetricPoint]) -> None:
        """Log values over the training, those of a step together."""
        by_step: dict[int, dict[str, float]] = {}
        for point in points:
            by_step.setdefault(point.step, {})[point.key] = point.value
        for step, values in sorted(by_step.items()):
            self._run.log({EXAMPLES: step, **values})

    def log_metrics(self, values: Mapping[str, float]) -> None:
        """Set final values."""
        self._run.summary.update(dict(values))

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Set the config, by dotted keys."""
        self._run.config.update(dict(params), allow_val_change=True)

    def log_text(self, text: str, file: str) -> None:
        """Texts stay with the tracker; the config is there by its keys."""

    def end(self, *, failed: bool) -> None:
        """Close the run."""
        self._run.finish(exit_code=int(failed))
