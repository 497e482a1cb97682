"""The ONNX graph of a causal model: one for the prompt and for each token that follows, with its cache as inputs."""

# B rows, T new tokens, P past ones, V vocabulary, H heads, D dimensions of a head, L layers

import inspect
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers.cache_utils import DynamicCache

from slimtune.export.graph_names import INPUTS, LOGITS, MODEL, POSITIONS, past_names
from slimtune.export.graphs.tracing import Ports, trace
from slimtune.training.errors import ModelError

SAMPLE_ROWS, SAMPLE_TOKENS, SAMPLE_PAST = 2, 3, 5


class _Step(nn.Module):
    """Tokens (B, T) after a past of P, to their scores (B, T, V) and the longer past."""

    def __init__(self, model: nn.Module, *, takes_positions: bool) -> None:
        super().__init__()
        self.model = model
        self._takes_positions = takes_positions

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        ids_BT, mask_BS, *rest = inputs
        more = {POSITIONS: rest.pop(0)} if self._takes_positions else {}
        past = cache_of(rest)
        output = self.model(input_ids=ids_BT, attention_mask=mask_BS, past_key_values=past, use_cache=True, **more)
        return (output.logits, *flat(output.past_key_values))


def export_causal(model: Any, folder: Path | None, *, opset: int) -> None:
    """Write `model.onnx`: `input_ids` (B, T), `attention_mask` (B, P + T), `position_ids` (B, T), and the past.

    Rows of unlike length are padded on the left; P may be 0. Names are those of Optimum: `past_key_values.0.key`
    (B, H, P, D) in, `logits` (B, T, V) and `present.0.key` (B, H, P + T, D) out.

    Args:
        model: A merged causal model in fp32, on the CPU.
        folder: Where to write; None only tries.
        opset: ONNX operator set.

    Raises:
        ModelError: Its memory is not a cache of keys and values.
    """
    takes_positions = POSITIONS in inspect.signature(model.forward).parameters
    ids_BT = torch.full((SAMPLE_ROWS, SAMPLE_TOKENS), 5, dtype=torch.int64)
    mask_BS = torch.ones((SAMPLE_ROWS, SAMPLE_PAST + SAMPLE_TOKENS), dtype=torch.int64)
    # a sample without padding would let the exporter drop the mask
    mask_BS[1, :2] = 0
    samples = dict(zip(INPUTS, (ids_BT, mask_BS), strict=True))
    batch = {0: "batch"}
    shapes = {INPUTS[0]: batch | {1: "sequence"}, INPUTS[1]: batch | {1: "total_sequence"}}
    if takes_positions:
        samples[POSITIONS] = (mask_BS.cumsum(-1) - 1).clamp(min=0)[:, SAMPLE_PAST:]
        shapes[POSITIONS] = shapes[INPUTS[0]]
    past = _sample_past(model)
    names = past_names(len(past) // 2)
    samples |= dict(zip(names, past, strict=True))
    shapes |= dict.fromkeys(names, batch | {2: "past_sequence"})
    outputs = [LOGITS, *past_names(len(past) // 2, before="present")]
    step = _Step(model, takes_positions=takes_positions)
    trace(step, folder and folder / MODEL, Ports(samples, outputs, shapes), opset=opset)


def cache_of(tensors: list[torch.Tensor]) -> DynamicCache:
    """A cache of keys and values, layer by layer."""
    cache = DynamicCache()
    for layer in range(len(tensors) // 2):
        cache.update(tensors[2 * layer], tensors[2 * layer + 1], layer)
    return cache


def flat(cache: Any) -> list[torch.Tensor]:
    """Keys and values, layer by layer."""
    return [tensor for layer in cache.layers for tensor in (layer.keys, layer.values)]


@torch.inference_mode()
def _sample_past(model: Any) -> list[torch.Tensor]:
    ids_BP = torch.full((SAMPLE_ROWS, SAMPLE_PAST), 5, dtype=torch.int64, device=next(model.parameters()).device)
    past = model(input_ids=ids_BP, use_cache=True).get("past_key_values")
    if not isinstance(past, DynamicCache) or not all(hasattr(layer, "keys") for layer in past.layers):
        raise ModelError(
            f"a model of type {model.config.model_type} has another memory than keys and values, which has no graph "
            "here; use export=none"
        )
    # tensors of inference mode cannot be traced
    return [torch.randn(tensor.shape) for tensor in flat(past)]
