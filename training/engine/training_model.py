"""The model that a trial trains, as it stands on its device."""

from typing import Any

from slimtune.training.config.fit import FitConfig
from slimtune.training.distributed.sharding import shard
from slimtune.training.hardware.resources import Resources
from slimtune.training.methods import Method
from slimtune.training.models.activation_checkpointing import checkpoint_gradients
from slimtune.training.workbench.workbench import Workbench, trainable


def training_model(method: Method, fit: FitConfig, bench: Workbench, resources: Resources) -> Any:
    """The base of the workbench by a method, whole or shared out over the ranks, in training."""
    model: Any = trainable(method, bench, copied=not fit.fsdp).train()
    if fit.gradient_checkpointing:
        checkpoint_gradients(model)
    if fit.fsdp:
        shard(model, resources.device, resources.group.size)
    return model
