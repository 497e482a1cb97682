"""Checkpoints that stay whatever they score: `fit.save_steps`."""

from pathlib import Path

from slimtune.training.checkpoints.checkpoint import CheckpointRecord
from slimtune.training.checkpoints.checkpoint_writer import CheckpointWriter, checkpoint_folder
from slimtune.training.checkpoints.continued import STEPS


class KeptSteps:
    """Those of one trial.

    Args:
        writer: Of its model.
        folder: The trial's.
        every: So many steps; None keeps none.
    """

    def __init__(self, writer: CheckpointWriter, folder: Path, *, every: int | None) -> None:
        self._writer, self._folder, self._every = writer, folder / STEPS, every

    def keep_if_due(self, record: CheckpointRecord, num_steps: int) -> None:
        """Write the model as it is now into the folder of its step, where the config says so."""
        if self._every is None or num_steps % self._every:
            return
        target = checkpoint_folder(self._folder, num_steps)
        target.parent.mkdir(parents=True, exist_ok=True)
        self._writer.write(target, record, self._writer.snapshot())
