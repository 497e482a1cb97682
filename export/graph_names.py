"""What a variant's folder holds, and what its graphs call their inputs and outputs: as Optimum names them."""

from collections.abc import Sequence
from enum import Enum

MODEL, ENCODER, DECODER = "model.onnx", "encoder_model.onnx", "decoder_with_past_model.onnx"
GENAI_SETTINGS = "genai_config.json"
# folders of variants: the exact one, those for onnxruntime-genai, and transformers' own, merged and in few bits
FP32, GENAI_FOLDER, MERGED_FOLDER, BITSANDBYTES_FOLDER = "fp32", "genai", "merged", "bitsandbytes"

INPUTS = ("input_ids", "attention_mask")
# of pairs, where the model tells the two texts apart
PAIR_INPUTS = (*INPUTS, "token_type_ids")
POSITIONS = "position_ids"
# sizes that vary
BATCH, SEQUENCE = "batch", "sequence"
LOGITS, EMBEDDING = "logits", "sentence_embedding"


class Kind(Enum):
    """What a model answers, which is how it is run."""

    labels = "labels"
    tags = "tags"
    embedding = "embedding"
    # what a task's `logits` gives: a number a row, or several
    numbers = "numbers"
    causal = "causal"
    encoder_decoder = "encoder_decoder"
    # a causal model in a folder of onnxruntime-genai
    genai = "genai"

    @property
    def files(self) -> Sequence[str]:
        """The graphs of a variant."""
        match self:
            case Kind.encoder_decoder:
                return (ENCODER, DECODER)
            case Kind.genai:
                return (MODEL, GENAI_SETTINGS)
            case _:
                return (MODEL,)

    @property
    def takes_pairs(self) -> bool:
        """Whether it may be given two texts at a time, as one row."""
        return self in (Kind.labels, Kind.numbers)

    @property
    def writes(self) -> bool:
        """Whether it answers with text."""
        return self in (Kind.causal, Kind.encoder_decoder, Kind.genai)


def past_names(num_layers: int, *, before: str = "past_key_values", part: str = "") -> list[str]:
    """Of the cache, layer by layer: `past_key_values.0.key`, or `present.0.decoder.key` of an encoder-decoder."""
    inner = f".{part}" if part else ""
    return [f"{before}.{layer}{inner}.{name}" for layer in range(num_layers) for name in ("key", "value")]
