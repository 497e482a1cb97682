"""A linear layer of a pass that several trials share: the frozen product once, and what is each trial's own as one
batched product over segments of rows.
"""

# K segments of a pass, N rows of one (all leading dimensions of the input), M = K N rows of all
# I input features, O output features, R the largest rank among the trials

from typing import Any, NamedTuple

import torch
from torch import nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear

from slimtune.training.methods.quantized import quant_state_of, weight_matrix


class LowRank(NamedTuple):
    """One layer's updates, a segment's own each, and where their gradients are added.

    Attributes:
        down_KRI: LoRA's A, filled up with zeros to the largest rank.
        up_KRO: LoRA's B', scaled, filled up likewise.
        grad_down_KRI: Gets the gradient of `down_KRI`.
        grad_up_KRO: Gets the gradient of `up_KRO`.
    """

    down_KRI: torch.Tensor
    up_KRO: torch.Tensor
    grad_down_KRI: torch.Tensor
    grad_up_KRO: torch.Tensor

    def part(self, segments: slice) -> "LowRank":
        """Of some of the segments."""
        return LowRank(*(tensor[segments] for tensor in self))


class Whole(NamedTuple):
    """One layer that each trial trains whole, a segment's own each, and where its gradients are added."""

    weight_KOI: torch.Tensor
    bias_KO: torch.Tensor | None
    grad_weight_KOI: torch.Tensor
    grad_bias_KO: torch.Tensor | None


def stacked_lora(x: torch.Tensor, layer: nn.Linear, own: LowRank | None, anchor: torch.Tensor) -> torch.Tensor:
    """`layer(x)`, plus for each segment of the rows the low-rank update that is its own.

    Segments do not mix: a value that is not finite stays in the one that it came from. The gradients of the updates
    are not returned to autograd but added where `own` says; that takes no launches to stack or to take apart.

    Args:
        x: Input (..., I), K segments of equally many rows.
        layer: The frozen layer.
        own: None where no trial has an update.
        anchor: A tensor that asks for a gradient and never gets one: autograd calls the backward pass for its sake
            where the input has none.
    """
    device = x.device.type
    dtype = own.down_KRI.dtype if own is not None else x.dtype
    if own is None and torch.is_autocast_enabled(device):
        dtype = torch.get_autocast_dtype(device)
    frozen = (layer.weight, layer.bias, quant_state_of(layer))
    output: torch.Tensor = _StackedLora.apply(x.to(dtype), anchor, *frozen, own)  # type: ignore[no-untyped-call]
    return output


def stacked_whole(x: torch.Tensor, own: Whole, anchor: torch.Tensor) -> torch.Tensor:
    """Each segment's rows through the layer that is its own; gradients as in `stacked_lora`."""
    output: torch.Tensor = _StackedWhole.apply(x.to(own.weight_KOI.dtype), anchor, own)  # type: ignore[no-untyped-call]
    return output


class _StackedLora(torch.autograd.Function):
    @staticmethod
    def forward(  # noqa: PLR0913  # autograd takes what has a gradient, or none, one by one
        ctx: Any,
        x: torch.Tensor,
        anchor: torch.Tensor,
        weight: torch.Tensor,
        bias_O: torch.Tensor | None,
        quant_state: Any,
        own: LowRank | None,
    ) -> torch.Tensor:
        weight_OI = weight_matrix(weight, quant_state, x.dtype)
        x_MI = x.reshape(-1, x.shape[-1])
        y_MO = linear(x_MI, weight_OI, None if bias_O is None else bias_O.to(x.dtype))
        # made again from its 4 bits in the backward pass: as a matrix it would take eight times the memory
        kept = weight_OI if quant_state is None else weight
        ctx.own, ctx.quant_state, ctx.shape = own, quant_state, x.shape
        if own is None:
            ctx.save_for_backward(kept)
        else:
            low_KRN = torch.bmm(own.down_KRI, _by_segment(x_MI, own).mT)
            _by_segment(y_MO, own).baddbmm_(low_KRN.mT, own.up_KRO)
            ctx.save_for_backward(kept, x_MI, low_KRN, own.down_KRI, own.up_KRO)
        return y_MO.view(*x.shape[:-1], -1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        weight, *rest = ctx.saved_tensors
        grad_MO = grad.reshape(-1, grad.shape[-1])
        grad_MI = None
        if ctx.needs_input_grad[0]:
            grad_MI = grad_MO @ weight_matrix(weight, ctx.quant_state, grad_MO.dtype)
        if ctx.own is not None:
            _add_gradients(ctx.own, grad_MO, grad_MI, *rest)
        return grad_MI.view(ctx.shape) if grad_MI is not None else None, None, None, None, None, None


def _add_gradients(  # noqa: PLR0913  # what the forward pass has kept
    own: LowRank,
    grad_MO: torch.Tensor,
    grad_MI: torch.Tensor | None,
    x_MI: torch.Tensor,
    low_KRN: torch.Tensor,
    down_KRI: torch.Tensor,
    up_KRO: torch.Tensor,
) -> None:
    grad_KNO = _by_segment(grad_MO, own)
    grad_low_KRN = torch.bmm(up_KRO, grad_KNO.mT)
    if grad_MI is not None:
        _by_segment(grad_MI, own).baddbmm_(grad_low_KRN.mT, down_KRI)
    own.grad_down_KRI.baddbmm_(grad_low_KRN, _by_segment(x_MI, own))
    own.grad_up_KRO.baddbmm_(low_KRN, grad_KNO)


def _by_segment(tensor: torch.Tensor, own: LowRank) -> torch.Tensor:
    return tensor.view(len(own.down_KRI), -1, tensor.shape[-1])


class _StackedWhole(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, anchor: torch.Tensor, own: Whole) -> torch.Tensor:
        x_KNI = x.reshape(len(own.weight_KOI), -1, x.shape[-1])
        if own.bias_KO is None:
            y_KNO = torch.bmm(x_KNI, own.weight_KOI.mT)
        else:
            y_KNO = torch.baddbmm(own.bias_KO.unsqueeze(1), x_KNI, own.weight_KOI.mT)
        ctx.save_for_backward(x_KNI, own.weight_KOI)
        ctx.own, ctx.shape = own, x.shape
        return y_KNO.view(*x.shape[:-1], -1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x_KNI, weight_KOI = ctx.saved_tensors
        own: Whole = ctx.own
        grad_KNO = grad.reshape(len(weight_KOI), -1, grad.shape[-1])
        own.grad_weight_KOI.baddbmm_(grad_KNO.mT, x_KNI)
        if own.grad_bias_KO is not None:
            own.grad_bias_KO.add_(grad_KNO.sum(1))
        grad_x = torch.bmm(grad_KNO, weight_KOI).view(ctx.shape) if ctx.needs_input_grad[0] else None
        return grad_x, None, None
