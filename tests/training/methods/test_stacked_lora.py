"""Segments of rows, each with weights of its own, come out as each would through a layer alone."""

import pytest
import torch
from torch import nn
from torch.nn.functional import linear

from slimtune.training.methods.fused_lora import Adapter, lora_linear
from slimtune.training.methods.stacked_lora import LowRank, Whole, stacked_lora, stacked_whole

SEGMENTS, ROWS, INPUTS, OUTPUTS, RANK = 3, 2, 4, 5, 2


def drawn(*size: int) -> torch.Tensor:
    return torch.randn(*size, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(size)))


def low_rank() -> LowRank:
    down, up = drawn(SEGMENTS, RANK, INPUTS), drawn(SEGMENTS, RANK, OUTPUTS)
    return LowRank(down, up, torch.zeros_like(down), torch.zeros_like(up))


def frozen_layer() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(INPUTS, OUTPUTS).double().requires_grad_(requires_grad=False)


ANCHOR = torch.zeros((), requires_grad=True)


@pytest.mark.parametrize("asks", [True, False], ids=["input with gradient", "input without"])
def test_output_and_gradients_are_those_of_each_alone(*, asks: bool) -> None:
    """Also where the input asks for no gradient, as behind frozen embeddings."""
    layer, own = frozen_layer(), low_rank()
    x = drawn(SEGMENTS * ROWS, 3, INPUTS).requires_grad_(asks)
    output = stacked_lora(x, layer, own, ANCHOR)
    output.square().sum().backward()
    for segment in range(SEGMENTS):
        rows = slice(segment * ROWS, (segment + 1) * ROWS)
        down, up = own.down_KRI[segment].clone().requires_grad_(), own.up_KRO[segment].t().clone().requires_grad_()
        alone_x = x.detach()[rows].requires_grad_(asks)
        alone = lora_linear(alone_x, layer, Adapter(down, up, 1.0))
        alone.square().sum().backward()
        torch.testing.assert_close(output[rows], alone)
        assert down.grad is not None
        assert up.grad is not None
        torch.testing.assert_close(own.grad_down_KRI[segment], down.grad)
        torch.testing.assert_close(own.grad_up_KRO[segment], up.grad.t())
        if asks:
            assert x.grad is not None
            torch.testing.assert_close(x.grad[rows], alone_x.grad)


def test_a_segment_that_is_not_finite_reaches_no_other() -> None:
    layer, own, clean = frozen_layer(), low_rank(), low_rank()
    x = drawn(SEGMENTS * ROWS, INPUTS)
    stacked_lora(x, layer, clean, ANCHOR).sum().backward()
    x[:ROWS] = torch.nan
    output = stacked_lora(x, layer, own, ANCHOR)
    output.sum().backward()
    assert output[:ROWS].isnan().all()
    assert output[ROWS:].isfinite().all()
    torch.testing.assert_close(own.grad_down_KRI[1:], clean.grad_down_KRI[1:], rtol=0, atol=0)
    assert own.grad_up_KRO[0].isnan().any()


def test_gradients_of_passes_add_up() -> None:
    layer, own, once = frozen_layer(), low_rank(), low_rank()
    x = drawn(SEGMENTS * ROWS, INPUTS)
    stacked_lora(x, layer, once, ANCHOR).sum().backward()
    for _ in range(2):
        stacked_lora(x, layer, own, ANCHOR).sum().backward()
    torch.testing.assert_close(own.grad_down_KRI, 2 * once.grad_down_KRI)


@pytest.mark.parametrize("bias", [True, False])
def test_whole_layers_are_those_of_each_alone(*, bias: bool) -> None:
    weight, bias_KO = drawn(SEGMENTS, OUTPUTS, INPUTS), drawn(SEGMENTS, OUTPUTS) if bias else None
    own = Whole(weight, bias_KO, torch.zeros_like(weight), torch.zeros_like(bias_KO) if bias_KO is not None else None)
    x = drawn(SEGMENTS * ROWS, INPUTS).requires_grad_()
    output = stacked_whole(x, own, ANCHOR)
    output.square().sum().backward()
    for segment in range(SEGMENTS):
        rows = slice(segment * ROWS, (segment + 1) * ROWS)
        one = weight[segment].clone().requires_grad_()
        one_bias = bias_KO[segment].clone().requires_grad_() if bias_KO is not None else None
        alone = linear(x.detach()[rows], one, one_bias)
        alone.square().sum().backward()
        torch.testing.assert_close(output[rows], alone)
        torch.testing.assert_close(own.grad_weight_KOI[segment], one.grad)
        if own.grad_bias_KO is not None and one_bias is not None:
            torch.testing.assert_close(own.grad_bias_KO[segment], one_bias.grad)
