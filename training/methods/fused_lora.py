"""LoRA's linear layer as one autograd function: the same sums as peft's, in half the passes over memory."""

# M rows of the input (all leading dimensions), I input features, O output features, R rank

from typing import Any

import torch
from peft.tuners.lora import Linear
from torch import nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear


class FusedLoraLinear(Linear):
    """peft's LoRA layer over an `nn.Linear`, with a faster forward and backward for the ordinary case.

    Parameters, names and files are peft's own. Whatever is not plain LoRA with one active adapter and no dropout is
    left to peft.
    """

    def forward(self, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Base output plus the scaled low-rank update, shape of `x` with O features."""
        name = self._plain_adapter() if not args and not kwargs else None
        if name is None:
            output: torch.Tensor = super().forward(x, *args, **kwargs)
            return output
        dtype = torch.get_autocast_dtype(x.device.type) if torch.is_autocast_enabled(x.device.type) else x.dtype
        layer: Any = self.base_layer
        down: Any = self.lora_A[name].weight
        up: Any = self.lora_B[name].weight
        return lora_linear(x.to(dtype), layer, down, up, self.scaling[name])

    def _plain_adapter(self) -> str | None:
        active = [name for name in self.active_adapters if name in self.lora_A]
        if len(active) != 1 or self.disable_adapters or self.merged or active[0] in self.lora_variant:
            return None
        dropout = getattr(self.lora_dropout[active[0]], "p", 0.0) if self.training else 0.0
        return active[0] if dropout == 0.0 and self.lora_B[active[0]].bias is None else None


class _LoraLinear(torch.autograd.Function):
    @staticmethod
    def forward(  # noqa: PLR0913  # autograd wants the tensors one by one
        ctx: Any,
        x: torch.Tensor,
        weight_OI: torch.Tensor,
        bias_O: torch.Tensor | None,
        down_RI: torch.Tensor,
        up_OR: torch.Tensor,
        scale: float,
    ) -> torch.Tensor:
        dtype = down_RI.dtype
        weight_OI, down_RI, up_OR = (part.to(x.dtype) for part in (weight_OI, down_RI, up_OR))
        x_MI = x.reshape(-1, x.shape[-1])
        y_MO = linear(x_MI, weight_OI, None if bias_O is None else bias_O.to(x.dtype))
        low_MR = x_MI @ down_RI.t()
        y_MO.addmm_(low_MR, up_OR.t(), alpha=scale)
        ctx.save_for_backward(x_MI, low_MR, weight_OI, down_RI, up_OR)
        ctx.scale, ctx.shape, ctx.dtype = scale, x.shape, dtype
        return y_MO.view(*x.shape[:-1], -1)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x_MI, low_MR, weight_OI, down_RI, up_OR = ctx.saved_tensors
        grad_MO = grad.reshape(-1, grad.shape[-1])
        grad_low_MR = (grad_MO @ up_OR).mul_(ctx.scale)
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x = torch.mm(grad_MO, weight_OI).addmm_(grad_low_MR, down_RI).view(ctx.shape)
        grad_down_RI = grad_low_MR.t() @ x_MI
        grad_up_OR = (grad_MO.t() @ low_MR).mul_(ctx.scale)
        return grad_x, None, None, grad_down_RI.to(ctx.dtype), grad_up_OR.to(ctx.dtype), None


def lora_linear(
    x: torch.Tensor, layer: nn.Linear, down_RI: torch.Tensor, up_OR: torch.Tensor, scale: float
) -> torch.Tensor:
    """`layer(x) + scale (x A') B'` in the dtype of `x`; only `x`, A (`down_RI`) and B (`up_OR`) get gradients.

    Source: Hu et al. 2021, https://arxiv.org/abs/2106.09685, section 4.1.
    """
    output: torch.Tensor = _LoraLinear.apply(x, layer.weight, layer.bias, down_RI, up_OR, scale)
    return output
