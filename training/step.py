"""One optimizer step: micro-batches, clipping, learning rate."""

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from training.batches import Split, collate
from training.config import FitConfig, Precision
from training.errors import Diverged
from training.resources import Resources
from training.schedule import learning_rate_factor
from training.tasks import Classification


class StepResult(NamedTuple):
    """Attributes:
    loss_nats: Mean loss of the batch's rows.
    gradient_norm: Global norm before clipping.
    learning_rate: What the step was taken with.
    """

    loss_nats: float
    gradient_norm: float
    learning_rate: float


class Stepper:
    """Owns a trial's optimizer and schedule."""

    def __init__(self, model: nn.Module, fit: FitConfig, resources: Resources, *, num_train_steps: int) -> None:
        self._model = model
        self._fit = fit
        self._resources = resources
        self._num_train_steps = num_train_steps
        self._num_warmup_steps = math.ceil(fit.warmup_share * num_train_steps)
        self._trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self._optimizer = torch.optim.AdamW(decay_groups(model, fit.weight_decay), lr=fit.learning_rate, fused=True)
        self._scaler = torch.amp.GradScaler(enabled=resources.precision is Precision.fp16)
        self.num_steps = 0

    def step(self, split: Split, rows: np.ndarray, *, task: Classification, pad_id: int) -> StepResult:
        """Average the gradient over all rows, whatever the micro-batch, and move the weights.

        Raises:
            Diverged: The loss or the gradient norm is not finite; the weights were not moved.
        """
        learning_rate = self._set_learning_rate()
        loss_sum = 0.0
        size = self._fit.micro_batch_size or self._fit.batch_size
        for at in range(0, len(rows), size):
            batch = collate(split, rows[at : at + size], pad_id=pad_id, device=self._resources.device)
            with autocast(self._resources):
                logits = task.logits(self._model, batch)
            loss = task.loss(logits, batch, label_smoothing=self._fit.label_smoothing).nats
            self._scaler.scale(loss / len(rows)).backward()  # type: ignore[no-untyped-call]
            loss_sum += float(loss.detach())
        result = StepResult(loss_sum / len(rows), self._clip(), learning_rate)
        self._check(result)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._optimizer.zero_grad(set_to_none=True)
        self.num_steps += 1
        return result

    def _set_learning_rate(self) -> float:
        factor = learning_rate_factor(
            self.num_steps,
            schedule=self._fit.schedule,
            num_warmup_steps=self._num_warmup_steps,
            num_train_steps=self._num_train_steps,
        )
        for group in self._optimizer.param_groups:
            group["lr"] = self._fit.learning_rate * factor
        return self._fit.learning_rate * factor

    def _clip(self) -> float:
        self._scaler.unscale_(self._optimizer)
        limit = self._fit.max_grad_norm if self._fit.max_grad_norm is not None else math.inf
        return float(nn.utils.clip_grad_norm_(self._trained, limit))

    def _check(self, result: StepResult) -> None:
        # a scaler expects overflows while it looks for its scale and skips those steps by itself
        gradient_ok = math.isfinite(result.gradient_norm) or self._scaler.is_enabled()
        if not math.isfinite(result.loss_nats) or not gradient_ok:
            raise Diverged(
                f"step {self.num_steps + 1}: loss {result.loss_nats:g}, gradient norm {result.gradient_norm:g} "
                f"at learning rate {result.learning_rate:.3g}"
            )


def decay_groups(model: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Trained parameters in two groups: matrices with weight decay; biases and norms without."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups: list[dict[str, object]] = [
        {"params": [parameter for parameter in trained if parameter.ndim >= 2], "weight_decay": weight_decay},
        {"params": [parameter for parameter in trained if parameter.ndim < 2], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def autocast(resources: Resources) -> torch.autocast:
    """Mixed precision for bf16 and fp16, nothing for fp32."""
    dtype = torch.float16 if resources.precision is Precision.fp16 else torch.bfloat16
    return torch.autocast(resources.device.type, dtype=dtype, enabled=resources.precision is not Precision.fp32)
