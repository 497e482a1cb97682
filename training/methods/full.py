"""Full fine-tuning: every weight is trained."""

from pathlib import Path
from typing import Any

from torch import nn
from transformers import PreTrainedModel


def prepare(model: PreTrainedModel) -> nn.Module:
    """Make every parameter trainable."""
    model.requires_grad_(True)
    return model


def save(model: Any, folder: Path) -> None:
    """Write transformers' own folder (config.json, model.safetensors)."""
    model.save_pretrained(folder)
