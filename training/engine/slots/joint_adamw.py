"""AdamW over all slots at once: as many launches for eight trials as for one, and nothing read before they are made."""

# S slots, P elements of a trial's row, N trained tensors of a trial

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch

from slimtune.training.engine.train_step import PendingStep

BETAS, EPSILON = (0.9, 0.999), 1e-8
# what clip_grad_norm_ adds to the norm
CLIP_EPSILON = 1e-6


class Moments(NamedTuple):
    """What AdamW keeps.

    Attributes:
        first_SP: Running mean of the gradient.
        second_SP: Running mean of its square.
        ratio_SP: Learning rate over the trial's.
        decay_SP: Decoupled decay, times that ratio.
        steps_SN: Steps of each trained tensor.
    """

    first_SP: torch.Tensor
    second_SP: torch.Tensor
    ratio_SP: torch.Tensor
    decay_SP: torch.Tensor
    steps_SN: torch.Tensor


class SlotSteps(NamedTuple):
    """The step that each slot's trial is due; None where it is not."""

    pending_S: Sequence[PendingStep | None]

    def numbers(self) -> list[list[float]]:
        """Of each slot: whether it moves, limit of the norm, rate, rate over the first's bias, the second's bias."""
        rows = []
        for step in self.pending_S:
            if step is None:
                rows.append([0.0, 1.0, 0.0, 0.0, 1.0])
                continue
            biases = [1 - beta ** (step.num_steps + 1) for beta in BETAS]
            rate = step.learning_rate
            rows.append([1.0, step.max_norm, rate, rate / biases[0], 1 / math.sqrt(biases[1])])
        return rows


def moves_jointly(optimizer: torch.optim.Optimizer) -> bool:
    """Whether an optimizer is AdamW as it is computed here."""
    return type(optimizer) is torch.optim.AdamW and all(
        tuple(group["betas"]) == BETAS and group["eps"] == EPSILON and not group["amsgrad"] and not group["maximize"]
        for group in optimizer.param_groups
    )


def step_inputs(steps: SlotSteps, like: torch.Tensor) -> dict[str, torch.Tensor]:
    """The steps as tensors: each slot's numbers (S, 5), and the sum of its micro-batches' losses (S), 0 if not due.

    Args:
        steps: Of the slots.
        like: The numbers get its dtype and device.
    """
    numbers_S5 = torch.tensor(steps.numbers(), dtype=like.dtype)
    if like.is_cuda:
        numbers_S5 = numbers_S5.pin_memory().to(like.device, non_blocking=True)
    nothing = torch.zeros((), dtype=like.dtype, device=like.device)
    sums = [
        nothing if step is None else (step.losses[0] if len(step.losses) == 1 else torch.stack(step.losses).sum())
        for step in steps.pending_S
    ]
    return {"numbers": numbers_S5, "losses": torch.stack(sums).to(like.dtype)}


@torch.no_grad()
def joint_step(
    value_SP: torch.Tensor, grad_SP: torch.Tensor, moments: Moments, inputs: Mapping[str, torch.Tensor]
) -> torch.Tensor:
    """Clip and move the slots that are due, each by its own settings, and zero their gradients.

    A slot whose loss or gradient is not finite is not moved, and no other is touched by it.

    Args:
        value_SP: Moved in place.
        grad_SP: Gradients.
        moments: Moved in place.
        inputs: As `step_inputs` gives them.

    Returns:
        Sum of the losses in nats and norm of the gradient before clipping, of each slot (S, 2).
    """
    active_S1, limit_S1, rate_S1, first_rate_S1, second_bias_S1 = torch.split(inputs["numbers"], 1, dim=1)
    loss_S1 = inputs["losses"].unsqueeze(1)
    norm_S1 = torch.linalg.vector_norm(grad_SP, dim=1, keepdim=True)
    # a number that is not finite times zero is not zero
    moves_S1 = ((norm_S1 + loss_S1) * 0.0 == 0.0) & (active_S1 > 0)
    stays_S1 = ~moves_S1
    # all that takes memory comes before the first change: what fails for lack of it has moved nobody
    change_SP = torch.empty_like(grad_SP)
    scaled_SP = grad_SP * (limit_S1 / (norm_S1 + CLIP_EPSILON)).clamp_(max=1.0)
    scaled_SP.masked_fill_(stays_S1, 0.0)
    weights = moves_S1.to(value_SP.dtype)
    moments.first_SP.lerp_(scaled_SP, weights * (1 - BETAS[0]))
    moments.second_SP.lerp_(scaled_SP.square_(), weights * (1 - BETAS[1]))
    moments.steps_SN.add_(moves_S1)
    value_SP.addcmul_(value_SP, torch.mul(moments.decay_SP, rate_S1 * weights, out=change_SP), value=-1)
    torch.sqrt(moments.second_SP, out=change_SP).mul_(second_bias_S1).add_(EPSILON)
    torch.div(moments.first_SP, change_SP, out=change_SP).mul_(moments.ratio_SP)
    value_SP.addcmul_(change_SP, first_rate_S1 * weights, value=-1)
    grad_SP.masked_fill_(active_S1 > 0, 0.0)
    return torch.cat([loss_S1, norm_S1], dim=1)
