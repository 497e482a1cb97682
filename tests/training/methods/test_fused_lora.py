"""The fused layer is peft's layer, faster: same output, same gradients, same file."""

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn

from slimtune.training.methods.fused_lora import Adapter, lora_linear
from slimtune.training.methods.fused_lora_layers import FusedLoraLinear


def make_pair(*, dropout: float = 0.0, use_dora: bool = False, bias: bool = True) -> tuple[nn.Module, nn.Module]:
    """The same layer as peft makes it and as ours, with the same random adapter."""
    pair = []
    for fused in (False, True):
        torch.manual_seed(0)
        settings = LoraConfig(
            r=3, lora_alpha=6, target_modules=["0"], init_lora_weights=False, lora_dropout=dropout, use_dora=use_dora
        )
        if fused:
            settings._register_custom_module({nn.Linear: FusedLoraLinear})
        pair.append(get_peft_model(nn.Sequential(nn.Linear(8, 5, bias=bias)).double(), settings))
    assert isinstance(pair[1].base_model.model[0], FusedLoraLinear)
    return pair[0], pair[1]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(4, 8), (2, 3, 8)])
def test_output_and_gradients_are_those_of_peft(shape: tuple[int, ...], *, bias: bool) -> None:
    gradients = []
    for model in make_pair(bias=bias):
        torch.manual_seed(1)
        x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
        output = model(x)
        (output * torch.randn_like(output)).sum().backward()
        trained = [parameter.grad for parameter in model.parameters() if parameter.requires_grad]
        assert len(trained) == 2
        gradients.append([output.detach(), x.grad, *trained])
    for theirs, ours in zip(*gradients, strict=True):
        assert theirs is not None
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def test_its_gradient_is_that_of_finite_differences() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(4, 3).double()
    layer.requires_grad_(requires_grad=False)
    x, down, up = (torch.randn(size, dtype=torch.float64, requires_grad=True) for size in ((5, 4), (2, 4), (3, 2)))

    def apply(*given: torch.Tensor) -> torch.Tensor:
        return lora_linear(given[0], layer, Adapter(given[1], given[2], 0.7))

    assert torch.autograd.gradcheck(apply, (x, down, up))


@pytest.mark.parametrize("change", [{"dropout": 0.5}, {"use_dora": True}])
def test_what_is_not_plain_lora_is_left_to_peft(change: dict[str, object]) -> None:
    theirs, ours = make_pair(**change)  # type: ignore[arg-type]
    x = torch.randn(64, 8, dtype=torch.float64)
    outputs = []
    for model in (theirs.train(), ours.train()):
        torch.manual_seed(2)
        outputs.append(model(x))
    torch.testing.assert_close(outputs[0], outputs[1])


def test_merged_and_disabled_adapters_are_obeyed() -> None:
    _, ours = make_pair()
    x = torch.randn(2, 8, dtype=torch.float64)
    adapted = ours(x)
    with ours.disable_adapter():  # type: ignore[operator]
        assert not torch.allclose(ours(x), adapted)
    merged = ours.merge_and_unload()  # type: ignore[operator]
    torch.testing.assert_close(merged(x), adapted)


def test_under_autocast_the_output_is_bf16_and_the_gradients_fp32() -> None:
    layer = nn.Linear(8, 5).bfloat16()
    layer.requires_grad_(requires_grad=False)
    settings = LoraConfig(r=3, target_modules=["0"], init_lora_weights=False)
    settings._register_custom_module({nn.Linear: FusedLoraLinear})
    model = get_peft_model(nn.Sequential(layer), settings).float()
    model.base_model.model[0].base_layer.bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = model(torch.randn(4, 8))
    output.float().sum().backward()
    assert output.dtype is torch.bfloat16
    assert {parameter.grad.dtype for parameter in model.parameters() if parameter.grad is not None} == {torch.float32}
