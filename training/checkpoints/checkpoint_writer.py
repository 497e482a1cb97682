"""A model in training as a checkpoint: a folder that is written aside and renamed."""

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import torch

from slimtune.training.atomic_files import folder_aside
from slimtune.training.checkpoints.checkpoint import RECORD, CheckpointRecord
from slimtune.training.methods import Method

CHECKPOINT_PACKAGES = ("torch", "transformers", "peft", "safetensors")


def checkpoint_folder(folder: Path, count: int) -> Path:
    """Where the checkpoint lies that was written after so many examples, or steps."""
    return folder / f"checkpoint-{count}"


class CheckpointWriter(NamedTuple):
    """Writes checkpoints of one model.

    Attributes:
        model: In training.
        tokenizer: Its.
        method: How it is trained, which says what of it is saved.
    """

    model: Any
    tokenizer: Any
    method: Method

    def snapshot(self) -> Mapping[str, torch.Tensor] | None:
        """A copy of what is saved; None of a model that is written as it is, for a copy costs as much as that."""
        return self.method.snapshot(self.model)

    def write(self, target: Path, record: CheckpointRecord, state: Mapping[str, torch.Tensor] | None) -> None:
        """Write a snapshot, or the model as it is now.

        Raises:
            OSError: It could not be written.
        """
        versions = {name: version(name) for name in CHECKPOINT_PACKAGES}
        values = {**record._asdict(), "versions": versions}
        with folder_aside(target) as aside:
            self.method.save(self.model, aside, state)
            self.tokenizer.save_pretrained(aside)
            (aside / RECORD).write_text(json.dumps(values, indent=1, ensure_ascii=False))
