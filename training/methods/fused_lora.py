"""LoRA's linear layer as one autograd function: the sums of peft's, in fewer passes over memory."""

# M rows of the input (all leading dimensions), I input features, O output features, R rank

from typing import Any, NamedTuple

import torch
from torch import nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear

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
        return lora_linear(x, layer, adapter)

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


def lora_linear(x: torch.Tensor, layer: nn.Linear, adapter: Adapter) -> torch.Tensor:
    """`layer(x) + scale (x A') B'`, in autocast's dtype, or in that of `x`. Only `x` and the adapter get gradients.

    Source: Hu et al. 2021, https://arxiv.org/abs/2106.09685, section 4.1.

    Args:
        x: Input (..., I).
        layer: The frozen layer.
        adapter: Its update.
    """
    device = x.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype
    frozen = (layer.weight, layer.bias, quant_state_of(layer))
    output: torch.Tensor = _LoraLinear.apply(x.to(dtype), *frozen, *adapter)  # type: ignore[no-untyped-call]
    return output


class _LoraLinear(torch.autograd.Function):
    @staticmethod
    def forward(  # noqa: PLR0913  # autograd takes what has a gradient, or none, one by one
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias_O: torch.Tensor | None,
        quant_state: Any,
        down_RI: torch.Tensor,
        up_OR: torch.Tensor,
        scale: float,
    ) -> torch.Tensor:
        ctx.dtypes = (down_RI.dtype, up_OR.dtype)
        down_RI, up_OR = down_RI.to(x.dtype), up_OR.to(x.dtype)
        weight_OI = weight_matrix(weight, quant_state, x.dtype)
        x_MI = x.reshape(-1, x.shape[-1])
        y_MO = linear(x_MI, weight_OI, None if bias_O is None else bias_O.to(x.dtype))
        # with the rank first, thin products take half the time on a CPU
        low_RM = down_RI @ x_MI.t()
        y_MO.addmm_(low_RM.t(), up_OR.t(), alpha=scale)
        # made again from its 4 bits in the backward pass: as a matrix it would take eight times the memory
        ctx.save_for_backward(x_MI, weight_OI if quant_state is None else weight, low_RM, down_RI, up_OR)
        ctx.quant_state, ctx.scale, ctx.shape = quant_state, scale, x.shape
        return y_MO.view(*x.shape[:-1], -1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x_MI, weight, low_RM, down_RI, up_OR = ctx.saved_tensors
        grad_MO = grad.reshape(-1, grad.shape[-1])
        grad_low_RM = (up_OR.t() @ grad_MO.t()).mul_(ctx.scale)
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_MI = grad_MO @ weight_matrix(weight, ctx.quant_state, grad_MO.dtype)
            grad_x = grad_MI.addmm_(grad_low_RM.t(), down_RI).view(ctx.shape)
        grad_down_RI = grad_low_RM @ x_MI
        grad_up_OR = (low_RM @ grad_MO).mul_(ctx.scale).t()
        return grad_x, None, None, None, grad_down_RI.to(ctx.dtypes[0]), grad_up_OR.to(ctx.dtypes[1]), None
