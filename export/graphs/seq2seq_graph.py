"""The two ONNX graphs of an encoder-decoder: what is read once, and the step that writes a token."""

# B rows, T tokens of the source, U new tokens, P past ones, V vocabulary, H heads, D dimensions of a head

from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers.cache_utils import DynamicCache, EncoderDecoderCache
from transformers.modeling_outputs import BaseModelOutput

from slimtune.export.graph_names import DECODER, ENCODER, INPUTS, LOGITS, past_names
from slimtune.export.graphs.causal_graph import cache_of, flat
from slimtune.export.graphs.encoder_graph import sample_inputs
from slimtune.export.graphs.tracing import Ports, trace

SAMPLE_TOKENS, SAMPLE_PAST = 3, 4


class _Encoder(nn.Module):
    """A source (B, T) to the keys and values that each decoder layer looks up in it, once for all steps."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        model: Any = self.model
        ids_BT, mask_BT = inputs
        states = model.get_encoder()(input_ids=ids_BT, attention_mask=mask_BT)
        start_B1 = torch.zeros_like(ids_BT[:, :1])
        cache = EncoderDecoderCache(DynamicCache(), DynamicCache())
        output = model(
            encoder_outputs=states,
            attention_mask=mask_BT,
            decoder_input_ids=start_B1,
            past_key_values=cache,
            use_cache=True,
        )
        # what the first step itself computes is in no output, so that it is not in the graph
        return tuple(flat(output.past_key_values.cross_attention_cache))


class _Decoder(nn.Module):
    """New tokens (B, U) after a past of P, to their scores (B, U, V) and the longer past."""

    def __init__(self, model: nn.Module, num_layers: int) -> None:
        super().__init__()
        self.model = model
        self._num_tensors = 2 * num_layers

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        model: Any = self.model
        ids_BU, mask_BT, *past = inputs
        own, looked_up = past[: self._num_tensors], past[self._num_tensors :]
        cache = EncoderDecoderCache(cache_of(own), cache_of(looked_up))
        cache.is_updated = dict.fromkeys(range(self._num_tensors // 2), True)
        # only its shape is looked at: what is needed of it is in the cache
        states_BTD = torch.zeros(*mask_BT.shape, model.config.hidden_size, device=mask_BT.device)
        output = model(
            encoder_outputs=BaseModelOutput(last_hidden_state=states_BTD),
            attention_mask=mask_BT,
            decoder_input_ids=ids_BU,
            past_key_values=cache,
            use_cache=True,
        )
        return (output.logits, *flat(output.past_key_values.self_attention_cache))


def export_encoder_decoder(model: Any, folder: Path | None, *, opset: int) -> None:
    """Write the encoder and the decoder with its cache.

    The encoder gives `present.0.encoder.key` (B, H, T, D) for every layer of the decoder, which takes them as
    `past_key_values.0.encoder.key`, beside `input_ids` (B, U), `encoder_attention_mask` (B, T) and
    `past_key_values.0.decoder.key` (B, H, P, D); P may be 0. It gives `logits` (B, U, V) and `present.0.decoder.key`.

    Args:
        model: A merged encoder-decoder in fp32, on the CPU.
        folder: Where to write; None only tries.
        opset: ONNX operator set.
    """
    samples = {name: sample_inputs()[name] for name in INPUTS}
    mask_BT = samples[INPUTS[1]]
    encoder = _Encoder(model).eval()
    with torch.inference_mode():
        device = next(model.parameters()).device
        read_once = encoder(*(sample.to(device) for sample in samples.values()))
        given = [torch.randn(tensor.shape) for tensor in read_once]
    num_layers = len(given) // 2
    batch = {0: "batch"}
    source = batch | {1: "encoder_sequence"}
    read = past_names(num_layers, before="present", part="encoder")
    trace(encoder, folder and folder / ENCODER, Ports(samples, read, dict.fromkeys(samples, source)), opset=opset)

    # heads and dimensions of what the decoder looks up are those of its own past
    own = [torch.randn(*tensor.shape[:2], SAMPLE_PAST, tensor.shape[3]) for tensor in given]
    own_names, read_names = (past_names(num_layers, part=part) for part in ("decoder", "encoder"))
    ids_BU = torch.full((len(mask_BT), SAMPLE_TOKENS), 5, dtype=torch.int64)
    inputs = {"input_ids": ids_BU, "encoder_attention_mask": mask_BT}
    shapes = {"input_ids": batch | {1: "decoder_sequence"}, "encoder_attention_mask": source}
    inputs |= dict(zip((*own_names, *read_names), (*own, *given), strict=True))
    shapes |= dict.fromkeys(own_names, batch | {2: "past_sequence"})
    shapes |= dict.fromkeys(read_names, batch | {2: "encoder_sequence"})
    outputs = [LOGITS, *past_names(num_layers, before="present", part="decoder")]
    trace(_Decoder(model, num_layers), folder and folder / DECODER, Ports(inputs, outputs, shapes), opset=opset)
