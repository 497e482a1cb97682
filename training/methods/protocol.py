"""What the trial engine asks of a method."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from torch import nn
from transformers import PreTrainedModel

# what peft saves whole by itself for sequence classification
HEADS = ("classifier", "score")
# layers between the encoder and the head
AUTO, POOLERS = "auto", ("pooler",)


class Setting(NamedTuple):
    """What a method must know of the task.

    Attributes:
        peft_task_type: peft's name of it.
        new_keys: Parameters that the checkpoint lacked (the head): they are trained whole with every method.
    """

    peft_task_type: str
    new_keys: Collection[str]


class Method(Protocol):
    """How a base becomes a model to train. `slimtune.training.methods.method_of` makes it.

    Attributes:
        shares_base: Whether the base's tensors stay as they are, so that trials can share them; others have a copy, in
            fp32 whatever the precision.
    """

    @property
    def shares_base(self) -> bool: ...

    def check(self, model: PreTrainedModel, peft_task_type: str) -> None:
        """Whether the method fits the model; one without weights is enough.

        Raises:
            ConfigError: It does not; the message lists what would.
        """
        ...

    def prepare(self, model: PreTrainedModel, setting: Setting) -> nn.Module:
        """The model to train, drawn from torch's global generator; `model` is the trial's own and is used up.

        Raises:
            ConfigError: The method does not fit the model.
        """
        ...

    def snapshot(self, model: Any) -> Mapping[str, torch.Tensor] | None:
        """A copy of what is trained, saved while training goes on; None where it is as large as the model."""
        ...

    def save(self, model: Any, folder: Path, state: Mapping[str, torch.Tensor] | None) -> None:
        """Write what is trained, as it was in the snapshot, or as it is now."""
        ...

    def load(self, model: PreTrainedModel, folder: Path) -> nn.Module:
        """The trained model, in evaluation mode, from a fresh base and what was saved."""
        ...

    def merge(self, model: Any) -> Any:
        """A model without adapters that computes the same; it is changed in place, and must be in fp32.

        Raises:
            ModelError: The method adds something that no weights can stand for.
        """
        ...
