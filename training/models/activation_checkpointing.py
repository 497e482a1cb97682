"""Activations computed again in the backward pass instead of kept."""

from typing import Any

from slimtune.training.errors import ConfigError
from slimtune.training.methods.modules import unwrapped


def checkpoint_gradients(model: Any) -> None:
    """Let the model's layers forget their activations (Chen et al. 2016, https://arxiv.org/abs/1604.06174).

    Raises:
        ConfigError: transformers has it not for this family.
    """
    inner = unwrapped(model)
    check_checkpointing(inner)
    # the reentrant kind drops gradients where the first input has none, as below a frozen base
    inner.activation_checkpointing_enable({"use_reentrant": False})


def check_checkpointing(model: Any) -> None:
    """Whether transformers can do so with a model of its own.

    Raises:
        ConfigError: It has it not for this family.
    """
    if not model.supports_gradient_checkpointing:
        family = model.config.model_type
        raise ConfigError(
            [f"fit.gradient_checkpointing is true, which transformers does not support for a {family}; use false"]
        )
