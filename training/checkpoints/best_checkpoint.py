"""The best checkpoint of a trial, written aside and renamed while training continues."""

import json
from collections import deque
from collections.abc import Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from slimtune.training.atomic_files import folder_aside, remove_folder
from slimtune.training.checkpoints.checkpoint import RECORD, CheckpointRecord
from slimtune.training.checkpoints.training_state import KEPT
from slimtune.training.methods import Method

CHECKPOINT_PACKAGES = ("torch", "transformers", "peft", "safetensors")
# in a trial's folder, checkpoints that are kept by the number of their step, whatever they score
STEPS = "steps"


def _folder_of(folder: Path, count: int) -> Path:
    """Where the checkpoint lies that was written after so many examples, or steps."""
    return folder / f"checkpoint-{count}"


class BestCheckpoint:
    """Keeps the best checkpoint of one trial on disk.

    Adapters are copied and written by a thread, while training continues; a model that is trained whole is written at
    once, since a copy of it would cost as much memory as the model.
    """

    def __init__(self, model: Any, tokenizer: Any, folder: Path, *, method: Method) -> None:
        self._model, self._tokenizer, self._folder, self._method = model, tokenizer, folder, method
        self._writer = ThreadPoolExecutor(1, "checkpoint")
        self._written: Future[None] | None = None
        self._needed: deque[Path] = deque(maxlen=KEPT)

    def keep(self, record: CheckpointRecord) -> Path:
        """Begin to write the model as it is now; the folder that it will be in."""
        self.wait()
        state = self._method.snapshot(self._model)
        if state is None:
            self._write(record, None)
        else:
            self._written = self._writer.submit(self._write, record, state)
        return _folder_of(self._folder, record.examples_seen)

    def keep_step(self, record: CheckpointRecord, num_steps: int) -> Path:
        """Write the model as it is now into the folder of its step, which stays."""
        target = _folder_of(self._folder / STEPS, num_steps)
        target.parent.mkdir(parents=True, exist_ok=True)
        self._write_into(target, record, self._method.snapshot(self._model))
        return target

    def wait(self) -> None:
        """Until all is on disk.

        Raises:
            OSError: It could not be written.
        """
        if self._written is not None:
            written, self._written = self._written, None
            written.result()

    def _write(self, record: CheckpointRecord, state: Mapping[str, torch.Tensor] | None) -> None:
        """Write the checkpoint aside, rename it, and remove the earlier ones that no saved state needs."""
        target = _folder_of(self._folder, record.examples_seen)
        self._write_into(target, record, state)
        self._remove_but({target, *self._needed})

    def _write_into(self, target: Path, record: CheckpointRecord, state: Mapping[str, torch.Tensor] | None) -> None:
        versions = {name: version(name) for name in CHECKPOINT_PACKAGES}
        values = {**record._asdict(), "versions": versions}
        with folder_aside(target) as aside:
            self._method.save(self._model, aside, state)
            self._tokenizer.save_pretrained(aside)
            (aside / RECORD).write_text(json.dumps(values, indent=1, ensure_ascii=False))

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
