"""The best checkpoint of a trial, written while training continues."""

from collections import deque
from collections.abc import Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import torch

from slimtune.training.atomic_files import remove_folder
from slimtune.training.checkpoints.checkpoint import RECORD, CheckpointRecord
from slimtune.training.checkpoints.checkpoint_writer import CheckpointWriter, checkpoint_folder
from slimtune.training.checkpoints.training_state import KEPT


class BestCheckpoint:
    """Keeps the best checkpoint of one trial on disk.

    Adapters are copied and written by a thread, while training continues; a model that is trained whole is written at
    once, since a copy of it would cost as much memory as the model.
    """

    def __init__(self, writer: CheckpointWriter, folder: Path) -> None:
        self._into, self._folder = writer, folder
        self._thread = ThreadPoolExecutor(1, "checkpoint")
        self._written: Future[None] | None = None
        self._needed: deque[Path] = deque(maxlen=KEPT)

    def keep(self, record: CheckpointRecord) -> Path:
        """Begin to write the model as it is now; the folder that it will be in."""
        self.wait()
        state = self._into.snapshot()
        if state is None:
            self._write(record, None)
        else:
            self._written = self._thread.submit(self._write, record, state)
        return checkpoint_folder(self._folder, record.examples_seen)

    def wait(self) -> None:
        """Until all is on disk.

        Raises:
            OSError: It could not be written.
        """
        if self._written is not None:
            written, self._written = self._written, None
            written.result()

    def _write(self, record: CheckpointRecord, state: Mapping[str, torch.Tensor] | None) -> None:
        """Write the checkpoint, and remove the earlier ones that no saved state needs."""
        target = checkpoint_folder(self._folder, record.examples_seen)
        self._into.write(target, record, state)
        self._remove_but({target, *self._needed})

    def protect(self, folder: Path) -> None:
        """Keep a checkpoint that a saved state resumes from, as long as the state is kept."""
        self._needed.append(folder)

    def tidy(self, best: Path) -> None:
        """At the trial's end: no other one is needed any more."""
        self._remove_but({best})

    def _remove_but(self, kept: Collection[Path]) -> None:
        """Checkpoints of other tools, which are called the same, stay too."""
        for old in self._folder.glob(f"checkpoint-*/{RECORD}"):
            if old.parent not in kept:
                remove_folder(old.parent)
