"""Sums of rows' losses, and losses of the user's own."""

# B rows, T tokens, K kept positions, V vocabulary

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch.nn.functional import cross_entropy

from slimtune.training.config.own_code import own_code, own_part
from slimtune.training.data.batching import IGNORED, Batch
from slimtune.training.errors import ConfigError


class LossSum(NamedTuple):
    """Sum of the rows' weighted losses in nats (a scalar with gradient) and the number of rows."""

    nats: torch.Tensor
    rows: int


class OwnLoss:
    """The loss that `task.loss` names; it gives the mean over the rows that it is called with.

    Args:
        function: As it was made.
        target: Its dotted path.

    Attributes:
        label_range: Labels that it is made for, if it says so.
        alike_label: Which of the labels 0 and 1 of pairs it pulls together, if it says so.
        target: Its dotted path.
    """

    def __init__(self, function: Callable[..., Any], target: str) -> None:
        self._function, self.target = function, target
        self.alike_label: int | None = getattr(function, "alike_label", None)
        self.label_range: tuple[float, float] = getattr(function, "label_range", (-math.inf, math.inf))

    def __call__(self, *tensors: torch.Tensor) -> torch.Tensor:
        """The mean, a scalar. Labels, the last of the tensors, are a copy: scores are of the batch's own.

        Raises:
            ConfigError: It fails on these tensors, or gives something else.
        """
        said = f"task.loss._target_ is '{self.target}', which"
        shapes = ", ".join(f"{one.dtype} {tuple(one.shape)}".removeprefix("torch.") for one in tensors)
        with own_code(f"{said} is called with ({shapes}) and"):
            mean = self._function(*tensors[:-1], tensors[-1].clone())
        if not isinstance(mean, torch.Tensor) or mean.numel() != 1:
            what = f"a tensor of shape {tuple(mean.shape)}" if isinstance(mean, torch.Tensor) else f"{mean!r:.80}"
            raise ConfigError([f"{said} gives {what}; let it give the mean over the rows, a tensor of one number"])
        return mean.reshape(())


def own_loss(settings: Mapping[str, Any] | None) -> OwnLoss | None:
    """The loss that `task.loss` names, made with its other entries as arguments; None if it names none.

    Raises:
        ConfigError: It cannot be imported or made.
    """
    if settings is None:
        return None
    return OwnLoss(own_part(settings, "task.loss", "loss"), settings["_target_"])


def aligned(batch: Batch) -> torch.Tensor:
    """The label of each position whose logits were kept (B, K)."""
    if batch.kept_K is None:
        return batch.labels
    return batch.labels[:, (batch.kept_K + 1).to(batch.labels.device)]


def token_nats(logits_BKV: torch.Tensor, labels_BK: torch.Tensor, *, label_smoothing: float = 0.0) -> torch.Tensor:
    """Cross entropy of each labelled token, 0 where there is no label (B, K)."""
    nats = cross_entropy(
        logits_BKV.flatten(0, 1),
        labels_BK.flatten(),
        ignore_index=IGNORED,
        label_smoothing=label_smoothing,
        reduction="none",
    )
    return nats.view(labels_BK.shape)


def at_least_float32(logits: torch.Tensor) -> torch.Tensor:
    """Scores precise enough for a softmax."""
    return logits.to(torch.promote_types(logits.dtype, torch.float32))
