"""Full fine-tuning: the weights themselves are trained, all of them or those of the upper layers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn
from transformers import PreTrainedModel

from slimtune.training.config.method import FullMethod
from slimtune.training.errors import ConfigError
from slimtune.training.listed_names import counted
from slimtune.training.methods.modules import layer_stacks, set_dropout, tensors_of
from slimtune.training.methods.protocol import Setting


class Full(NamedTuple):
    """As `slimtune.training.methods.protocol.Method` says."""

    config: FullMethod
    shares_base: bool = False

    def check(self, model: PreTrainedModel, peft_task_type: str) -> None:
        """Whether the model has so many layers."""
        if self.config.trained_layers is not None:
            _frozen(model, self.config.trained_layers)

    def prepare(self, model: PreTrainedModel, setting: Setting) -> nn.Module:
        """Make the parameters trainable."""
        model.requires_grad_(True)
        if self.config.dropout is not None:
            set_dropout(model, self.config.dropout)
        if self.config.trained_layers is not None:
            for part in _frozen(model, self.config.trained_layers):
                part.requires_grad_(requires_grad=False)
        return model

    def snapshot(self, model: Any) -> None:
        """None: a copy would cost as much memory as the model."""
        return

    def save(self, model: Any, folder: Path, state: Mapping[str, torch.Tensor] | None) -> None:
        """Write transformers' own folder (config.json, model.safetensors)."""
        assert state is None
        model.save_pretrained(folder, state_dict=tensors_of(model))

    def load(self, model: PreTrainedModel, folder: Path) -> nn.Module:
        """The folder is a model by itself, so that `model` was loaded from it."""
        loaded: nn.Module = model.eval()  # type: ignore[no-untyped-call]
        return loaded

    def merge(self, model: Any) -> Any:
        """There is nothing to merge."""
        return model.eval()


def _frozen(model: nn.Module, num_trained: int) -> list[nn.Module]:
    """The embeddings and the layers below the upper ones; of an encoder-decoder, of both stacks."""
    stacks = layer_stacks(model)
    depth = min(len(stack) for stack in stacks) if stacks else 0
    if num_trained > depth:
        raise ConfigError([f"method.trained_layers is {num_trained}; the model has {counted(depth, 'layer')}"])
    embeddings: list[nn.Module] = [part for part in model.modules() if isinstance(part, nn.Embedding)]
    return embeddings + [layer for stack in stacks for layer in stack[: len(stack) - num_trained]]
