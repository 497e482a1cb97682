"""How weights are kept in folders that stand beside a bundle."""

from enum import Enum


class MergedPrecision(Enum):
    """Of a merged model as a folder of transformers."""

    fp32 = "fp32"
    bf16 = "bf16"
    fp16 = "fp16"


class GenaiPrecision(Enum):
    """Of the weights; activations are fp32, in fp16 fp16."""

    fp32 = "fp32"
    fp16 = "fp16"
    int4 = "int4"

    @property
    def provider(self) -> str:
        """Whose operators the builder takes: its fp16 graph for the CPU fails at the second token, CUDA's does not."""
        return "cuda" if self is GenaiPrecision.fp16 else "cpu"
