"""One optimizer step of a trial: micro-batches, clipping, learning rate."""

import math
from collections.abc import Collection
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import nn

from slimtune.training.checkpoints.training_state import State, optimizer_state, restore_optimizer
from slimtune.training.config.fit import FitConfig, Precision
from slimtune.training.distributed.sharding import is_shared_out
from slimtune.training.engine.lr_schedule import learning_rate_factor
from slimtune.training.engine.optimizer import make_optimizer, set_learning_rate
from slimtune.training.errors import Diverged
from slimtune.training.hardware.resources import Resources
from slimtune.training.tasks.loss import LossSum

NO_ROWS: np.ndarray = np.empty(0, dtype=np.int64)


class StepResult(NamedTuple):
    """What an optimizer step was taken with.

    Attributes:
        loss_nats: Mean loss of the batch.
        weight: What its rows count: rows, or labelled tokens.
        gradient_norm: Global norm before clipping.
        learning_rate: Of the step.
        filled: Tokens that its passes took in this process, padding included.
    """

    loss_nats: float
    weight: float
    gradient_norm: float
    learning_rate: float
    filled: int = 0

    def as_metrics(self) -> dict[str, float]:
        """By the tracker's keys."""
        return {
            "train/step_loss": self.loss_nats,
            "train/gradient_norm": self.gradient_norm,
            "train/learning_rate": self.learning_rate,
        }


class PendingStep(NamedTuple):
    """What an optimizer step will be taken with.

    Attributes:
        learning_rate: Of the step.
        max_norm: Global gradient norm above which it is scaled down; infinite where it is not.
        losses: Summed losses of the micro-batches.
        num_steps: Steps before it.
    """

    learning_rate: float
    max_norm: float
    losses: list[torch.Tensor]
    num_steps: int


class Moved(NamedTuple):
    """What a step that was taken together with others' was taken with: as `StepResult`, the losses summed."""

    loss_sum_nats: float
    gradient_norm: float


class Mover(Protocol):
    """Has a trial's weights, gradients and moments beside those of others.

    Attributes:
        steps: Whether it moves the weights too; else the trial's own optimizer does, over views of them.
    """

    @property
    def steps(self) -> bool: ...

    def move(self) -> None:
        """Step all whose batch is complete, and tell each stepper by its `moved`; nobody is moved that diverged."""
        ...

    def clear(self) -> None:
        """Forget the trial's gradient."""
        ...


class Stepper:
    """Owns a trial's optimizer and schedule, and the batch that is under way.

    Attributes:
        rows_at_once: Rows of a micro-batch; may be made fewer between two.
        trained: Parameters that it moves.
        optimizer: Of the trial.
        mover: Who moves the trial together with others; None where its optimizer does.
        moved: What the mover has moved it with, until `step` tells.
        filled: Tokens of the passes over the batch that is under way, padding included.
    """

    def __init__(
        self,
        model: nn.Module,
        fit: FitConfig,
        resources: Resources,
        *,
        num_train_steps: int,
        new_keys: Collection[str] = (),
    ) -> None:
        self._group = resources.group
        self._fit = fit
        self._num_train_steps = num_train_steps
        self._num_warmup_steps = math.ceil(fit.warmup_share * num_train_steps)
        self.trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.optimizer = make_optimizer(model, fit, new_keys)
        self.mover: Mover | None = None
        self.moved: Moved | None = None
        self.rows_at_once = fit.rows_at_once
        self._scaler = torch.amp.GradScaler(enabled=resources.precision is Precision.fp16)
        self.num_steps = 0
        self._rows_N = self._idle_N = NO_ROWS
        self._at, self._weight = 0, 1.0
        self._under_way = False
        self._losses: list[torch.Tensor] = []
        self.filled = 0

    @property
    def under_way(self) -> bool:
        """Whether a batch is begun and not stepped."""
        return self._under_way

    @property
    def complete(self) -> bool:
        """Whether all rows of the batch have had their turn, so that `step` is next."""
        return self._under_way and len(self._rows_N) + len(self._idle_N) <= self._at

    def begin(self, rows_N: np.ndarray, weight: float | None = None, idle_N: np.ndarray = NO_ROWS) -> None:
        """Start on the rows of the next optimizer step.

        Args:
            rows_N: With several ranks those of this one.
            weight: What the rows of all ranks count together; by default one each.
            idle_N: Rows that count nothing, for a last pass that other ranks take with rows of theirs.
        """
        self._rows_N, self._idle_N = rows_N, idle_N
        self._weight = float(len(rows_N)) if weight is None else weight
        self._under_way = True
        self.rewind()

    def num_passes(self, rows_N: np.ndarray) -> int:
        """How many micro-batches the rows make."""
        return math.ceil(len(rows_N) / self.rows_at_once)

    def drop(self) -> None:
        """Leave the batch that is under way, and its gradients."""
        self._under_way = False
        self.rewind()

    def rewind(self) -> None:
        """Start on the same rows again, without the gradients so far."""
        self._at = self.filled = 0
        self._losses.clear()
        self.moved = None
        if self.mover is not None:
            self.mover.clear()
        else:
            self.optimizer.zero_grad(set_to_none=True)

    def micro_rows(self) -> np.ndarray:
        """The rows whose gradient is next: a micro-batch."""
        if self._at >= len(self._rows_N):
            return self._idle_N
        return self._rows_N[self._at : self._at + self.rows_at_once]

    @property
    def weight(self) -> float:
        """What the rows of the whole batch count together."""
        return self._weight

    @property
    def steps_left(self) -> int:
        """Of the plan."""
        return max(0, self._num_train_steps - self.num_steps)

    def share_of(self, loss: LossSum) -> torch.Tensor:
        """What to take the gradient of, so that it is averaged over the whole batch, whatever the micro-batch."""
        if not self.took(loss.nats, loss.rows):
            return loss.nats * 0.0
        return self._scaler.scale(loss.nats / self._weight)

    def took(self, nats: torch.Tensor, rows: int) -> bool:
        """A micro-batch of so many rows had this loss; whether it counts."""
        counts = self._at < len(self._rows_N)
        self._at += rows
        if counts:
            # read in `step`: here a GPU would have to be waited for
            self._losses.append(nats.detach())
        return counts

    def step(self) -> StepResult:
        """Move the weights by the gradients of the batch.

        Raises:
            Diverged: The loss or the gradient norm is not finite; the weights were not moved.
        """
        if self.mover is not None and self.mover.steps:
            return self._told(self.mover)
        learning_rate = self._learning_rate()
        set_learning_rate(self.optimizer, learning_rate)
        if not self._fit.fsdp:
            self._group.sum_gradients(self.trained)
        norm = self._clip()
        *losses_nats, gradient_norm = torch.stack([*self._all_losses(norm), norm]).tolist()
        result = StepResult(sum(losses_nats) / self._weight, self._weight, gradient_norm, learning_rate, self.filled)
        # a scaler expects overflows while it looks for its scale and skips those steps by itself
        overflowed = not math.isfinite(gradient_norm) and not self._scaler.is_enabled()
        if overflowed or not math.isfinite(result.loss_nats):
            raise Diverged(self._story(result))
        self._scaler.step(self.optimizer)
        self._scaler.update()
        self.num_steps += 1
        self.drop()
        return result

    def pending(self) -> PendingStep:
        """What the next step is to be taken with, for whoever takes it."""
        return PendingStep(self._learning_rate(), self._max_norm, list(self._losses), self.num_steps)

    def _told(self, mover: Mover) -> StepResult:
        if self.moved is None:
            mover.move()
        assert self.moved is not None
        loss_nats, gradient_norm = self.moved
        rate = self._learning_rate()
        result = StepResult(loss_nats / self._weight, self._weight, gradient_norm, rate, self.filled)
        if not math.isfinite(gradient_norm) or not math.isfinite(loss_nats):
            raise Diverged(self._story(result))
        self.num_steps += 1
        self.drop()
        return result

    def _all_losses(self, like: torch.Tensor) -> list[torch.Tensor]:
        """Of the micro-batches, or with several ranks their sum over all."""
        losses = [loss.to(like.dtype) for loss in self._losses]
        if self._group.size == 1:
            return losses
        own = torch.stack(losses).sum() if losses else torch.zeros_like(like)
        return [self._group.sum(own)]

    def state(self) -> State:
        """Between two batches: moments, steps, and the scale of fp16."""
        assert not self.under_way
        moments = optimizer_state(self.optimizer)
        facts = {"num_steps": self.num_steps, "rows_at_once": self.rows_at_once, "scaler": self._scaler.state_dict()}
        return State(moments.tensors, {**facts, "moments": moments.facts})

    def restore(self, state: State) -> None:
        """Continue between the same two batches."""
        restore_optimizer(self.optimizer, State(state.tensors, state.facts["moments"]))
        self.num_steps, self.rows_at_once = state.facts["num_steps"], state.facts["rows_at_once"]
        self._scaler.load_state_dict(state.facts["scaler"])

    def _learning_rate(self) -> float:
        return self._fit.learning_rate * learning_rate_factor(
            self.num_steps,
            schedule=self._fit.schedule,
            num_warmup_steps=self._num_warmup_steps,
            num_train_steps=self._num_train_steps,
        )

    @property
    def _max_norm(self) -> float:
        return self._fit.max_grad_norm if self._fit.max_grad_norm is not None else math.inf

    def _clip(self) -> torch.Tensor:
        self._scaler.unscale_(self.optimizer)
        norm: Any = nn.utils.clip_grad_norm_(self.trained, self._max_norm)
        whole: torch.Tensor = norm.full_tensor() if is_shared_out(norm) else norm
        return whole

    def _story(self, result: StepResult) -> str:
        return (
            f"step {self.num_steps + 1}: loss {result.loss_nats:g}, gradient norm {result.gradient_norm:g} "
            f"at learning rate {result.learning_rate:.3g}"
        )
