"""LoRA's linear layer as one autograd function: the sums of peft's, in fewer passes over memory, for one or more
adapters on rows of their own."""

# M rows of the input (all leading dimensions), I input features, O output features, R rank
# S spans, N rows of one span where all are equal

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear, pad

from slimtune.training.methods.quantized import quant_state_of, weight_matrix


class Adapter(NamedTuple):
    """A low-rank update of one layer.

    Attributes:
        down_RI: LoRA's A.
        up_OR: LoRA's B.
        scale: What the update is multiplied with (alpha / r).
    """

    down_RI: torch.Tensor
    up_OR: torch.Tensor
    scale: float


class RowSpan(NamedTuple):
    """Consecutive entries of the input's first dimension, and the adapter that they get, if any."""

    size: int
    adapter: Adapter | None


class FusedLora(nn.Module):
    """A faster forward and backward for the ordinary case of one of peft's LoRA layers.

    Parameters, names and files are peft's own. Whatever is not plain LoRA with one active adapter and no dropout is
    left to peft.
    """

    def forward(self, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Base output plus the scaled low-rank update, shape of `x` with O features."""
        adapter = self.plain_adapter() if not args and not kwargs else None
        if adapter is None:
            output: torch.Tensor = super().forward(x, *args, **kwargs)
            return output
        layer: Any = self.base_layer
        return lora_linear(x, layer, [RowSpan(x.shape[0], adapter)])

    def plain_adapter(self: Any) -> Adapter | None:
        """The one active adapter, or None if this layer is anything but plain LoRA."""
        active = [name for name in self.active_adapters if name in self.lora_A]
        if len(active) != 1 or self.disable_adapters or self.merged or active[0] in self.lora_variant:
            return None
        (name,) = active
        dropout = getattr(self.lora_dropout[name], "p", 0.0) if self.training else 0.0
        if dropout > 0.0 or self.lora_B[name].bias is not None:
            return None
        return Adapter(self.lora_A[name].weight, self.lora_B[name].weight, self.scaling[name])


def lora_linear(x: torch.Tensor, layer: nn.Linear, spans: Sequence[RowSpan]) -> torch.Tensor:
    """`layer(x)`, plus for each span of the first dimension `scale (x A') B'` with its own adapter.

    Computes in autocast's dtype, or in that of `x`. Only `x` and the adapters get gradients. The spans do not mix: a
    value that is not finite stays in the span that it came from.

    Source: Hu et al. 2021, https://arxiv.org/abs/2106.09685, section 4.1.

    Args:
        x: Input (..., I).
        layer: The frozen layer.
        spans: Their sizes add up to the first dimension.
    """
    device = x.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype
    per_entry = x[0].numel() // x.shape[-1] if x.ndim > 1 else 1
    pieces, adapters, start = [], [], 0
    for size, adapter in spans:
        stop = start + size * per_entry
        if adapter is not None:
            pieces.append(_Piece(start, stop, adapter.scale))
            adapters += [adapter.down_RI, adapter.up_OR]
        start = stop
    frozen = (layer.weight, layer.bias, quant_state_of(layer))
    output: torch.Tensor = _LoraLinear.apply(x.to(dtype), *frozen, pieces, *adapters)  # type: ignore[no-untyped-call]
    return output


class _Piece(NamedTuple):
    start: int
    stop: int
    scale: float


class _LoraLinear(torch.autograd.Function):
    @staticmethod
    def forward(  # noqa: PLR0913  # autograd takes what has a gradient, or none, one by one
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias_O: torch.Tensor | None,
        quant_state: Any,
        pieces: list[_Piece],
        *adapters: torch.Tensor,
    ) -> torch.Tensor:
        ctx.dtypes = [part.dtype for part in adapters]
        parts = [part.to(x.dtype) for part in adapters]
        weight_OI = weight_matrix(weight, quant_state, x.dtype)
        x_MI = x.reshape(-1, x.shape[-1])
        y_MO = linear(x_MI, weight_OI, None if bias_O is None else bias_O.to(x.dtype))
        ctx.stacked = _are_even(pieces, len(x_MI))
        if ctx.stacked:
            down_SRI, up_SRO = _stack(pieces, parts)
            low_SRN = down_SRI @ _rows(x_MI, pieces).mT
            _rows(y_MO, pieces).baddbmm_(low_SRN.mT, up_SRO)
            lows, parts = [low_SRN], [down_SRI, up_SRO]
        else:
            lows = []
            for (start, stop, scale), down_RI, up_OR in zip(pieces, parts[::2], parts[1::2], strict=True):
                # with the rank first, thin products take half the time on a CPU
                lows.append(down_RI @ x_MI[start:stop].t())
                y_MO[start:stop].addmm_(lows[-1].t(), up_OR.t(), alpha=scale)
        # made again from its 4 bits in the backward pass: as a matrix it would take eight times the memory
        ctx.save_for_backward(x_MI, weight_OI if quant_state is None else weight, *lows, *parts)
        ctx.quant_state, ctx.pieces, ctx.shape = quant_state, pieces, x.shape
        ctx.ranks = [part.shape[0] for part in adapters[::2]]
        return y_MO.view(*x.shape[:-1], -1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x_MI, weight, *rest = ctx.saved_tensors
        grad_MO = grad.reshape(-1, grad.shape[-1])
        grad_MI = None
        if ctx.needs_input_grad[0]:
            grad_MI = grad_MO @ weight_matrix(weight, ctx.quant_state, grad_MO.dtype)
        backward = _stacked_backward if ctx.stacked else _looped_backward
        grads = backward(ctx, x_MI, grad_MO, grad_MI, rest)
        own = [part.to(dtype) for part, dtype in zip(grads, ctx.dtypes, strict=True)]
        grad_x = grad_MI.view(ctx.shape) if grad_MI is not None else None
        return grad_x, None, None, None, None, *own


def _looped_backward(
    ctx: Any, x_MI: torch.Tensor, grad_MO: torch.Tensor, grad_MI: torch.Tensor | None, saved: list[torch.Tensor]
) -> list[torch.Tensor]:
    lows, parts = saved[: len(ctx.pieces)], saved[len(ctx.pieces) :]
    grads = []
    for (start, stop, scale), low, down_RI, up_OR in zip(ctx.pieces, lows, parts[::2], parts[1::2], strict=True):
        grad_low = (up_OR.t() @ grad_MO[start:stop].t()).mul_(scale)
        if grad_MI is not None:
            grad_MI[start:stop].addmm_(grad_low.t(), down_RI)
        grads += [grad_low @ x_MI[start:stop], (low @ grad_MO[start:stop]).mul_(scale).t()]
    return grads


def _stacked_backward(
    ctx: Any, x_MI: torch.Tensor, grad_MO: torch.Tensor, grad_MI: torch.Tensor | None, saved: list[torch.Tensor]
) -> list[torch.Tensor]:
    low_SRN, down_SRI, up_SRO = saved
    grad_SNO = _rows(grad_MO, ctx.pieces)
    grad_low_SRN = up_SRO @ grad_SNO.mT
    if grad_MI is not None:
        _rows(grad_MI, ctx.pieces).baddbmm_(grad_low_SRN.mT, down_SRI)
    grad_down_SRI = grad_low_SRN @ _rows(x_MI, ctx.pieces)
    grad_up_SRO = low_SRN @ grad_SNO
    grads = []
    for index, (piece, rank) in enumerate(zip(ctx.pieces, ctx.ranks, strict=True)):
        grads += [grad_down_SRI[index, :rank], grad_up_SRO[index, :rank].t() * piece.scale]
    return grads


def _are_even(pieces: Sequence[_Piece], num_rows: int) -> bool:
    """Whether several spans of one size cover all rows: then one batched product does for all."""
    sizes = {piece.stop - piece.start for piece in pieces}
    return len(pieces) > 1 and len(sizes) == 1 and sizes.pop() * len(pieces) == num_rows


def _rows(tensor: torch.Tensor, pieces: Sequence[_Piece]) -> torch.Tensor:
    return tensor.view(len(pieces), -1, tensor.shape[-1])


def _stack(pieces: Sequence[_Piece], parts: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """All A, and all scaled B', filled up with zeros to the largest rank."""
    rank = max(down.shape[0] for down in parts[::2])
    downs = [pad(down, (0, 0, 0, rank - down.shape[0])) for down in parts[::2]]
    ups = [
        pad(up.t() * piece.scale, (0, 0, 0, rank - up.shape[1])) for piece, up in zip(pieces, parts[1::2], strict=True)
    ]
    return torch.stack(downs), torch.stack(ups)
