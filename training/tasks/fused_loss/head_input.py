"""What a model's output layer is called with, and its tensors, where nothing else comes between it and the logits."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import nn

from slimtune.training.errors import is_out_of_memory
from slimtune.training.methods.modules import unwrapped
from slimtune.training.tasks.fused_loss.chunked_nats import OutputLayer

# by model: whether its logits are its output layer's own. Some scale them, cap them, or add to them
_HAS_PLAIN_LOGITS: WeakKeyDictionary[nn.Module, bool] = WeakKeyDictionary()


class HeadInput(NamedTuple):
    """What the output layer is called with (..., H), and the layer."""

    hidden: torch.Tensor
    head: OutputLayer


def plain_head(model: nn.Module) -> OutputLayer | None:
    """The model's output layer, if that is an ordinary linear layer and nothing is known to change its scores.

    None for one that has an adapter, is trained as a copy beside the base's, is quantized or shared out over devices,
    and for compiled models.
    """
    inner = unwrapped(model)
    if _HAS_PLAIN_LOGITS.get(inner) is False or getattr(model, "_compiled_call_impl", None) is not None:
        return None
    layer = _output_layer(inner)
    # a layer of a pass that several trials share says itself whether it is the base's own
    plain = getattr(layer, "plain", layer)
    if type(plain) is not nn.Linear or type(plain.weight) is not nn.Parameter or not plain.weight.is_floating_point():
        return None
    return None if _has_hooks(layer) else OutputLayer(plain.weight, plain.bias)


def head_input(model: nn.Module, head: OutputLayer, inputs: dict[str, Any]) -> HeadInput | None:
    """Run the model without its output layer; None if its logits turn out to be more than that layer's output.

    That is found out once for a model, which then has drawn nothing from the generators. A model that fails without its
    output layer is one: it adds to the logits what has their shape, or reads that. If it fails for another reason, it
    does so again with the layer, where it is told.
    """
    inner = unwrapped(model)
    if inner in _HAS_PLAIN_LOGITS:
        return HeadInput(_run(model, inner, inputs)[0], head) if _HAS_PLAIN_LOGITS[inner] else None
    generators = _generators()
    try:
        output, seen = _run(model, inner, inputs)
    except (RuntimeError, ValueError, IndexError) as error:
        if is_out_of_memory(error):
            raise
        _HAS_PLAIN_LOGITS[inner] = False
    else:
        # the very tensor: an operation in between would have made another
        _HAS_PLAIN_LOGITS[inner] = len(seen) == 1 and output is seen[0]
        if _HAS_PLAIN_LOGITS[inner]:
            return HeadInput(output, head)
    _restore(generators)
    return None


def _run(model: nn.Module, inner: nn.Module, inputs: dict[str, Any]) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """What stands for the logits, and what the output layer was called with."""
    seen: list[torch.Tensor] = []
    with _without(_output_layer(inner), seen):
        return model(**inputs).logits, seen


def _output_layer(inner: Any) -> Any:
    find = getattr(inner, "get_output_embeddings", None)
    return find() if find is not None else None


def _has_hooks(layer: nn.Module) -> bool:
    return bool(layer._forward_hooks or layer._forward_pre_hooks)


@contextmanager
def _without(layer: nn.Module, seen: list[torch.Tensor]) -> Iterator[None]:
    """Let a layer give what it gets, and tell it."""

    def forward(hidden: torch.Tensor) -> torch.Tensor:
        seen.append(hidden)
        return hidden

    layer.forward = forward
    try:
        yield
    finally:
        del layer.forward


def _generators() -> tuple[torch.Tensor, list[torch.Tensor]]:
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return torch.get_rng_state(), devices


def _restore(state: tuple[torch.Tensor, list[torch.Tensor]]) -> None:
    torch.set_rng_state(state[0])
    if state[1]:
        torch.cuda.set_rng_state_all(state[1])
