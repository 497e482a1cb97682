"""The type of the config's section `model`. Values live in `conf/model/`; nothing here has a default."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from slimtune.training.config.schema import not_negative


class Attention(Enum):
    """transformers' attention implementation; `auto` takes eager for short rows on a CPU, else SDPA."""

    auto = "auto"
    eager = "eager"
    sdpa = "sdpa"
    flash_attention_2 = "flash_attention_2"


class Quantization(Enum):
    """How bitsandbytes keeps the frozen weights."""

    nf4 = "nf4"
    fp4 = "fp4"
    int8 = "int8"


@dataclass(slots=True, kw_only=True)
class ModelConfig:
    """Which checkpoint is trained, and how its weights are kept.

    Attributes:
    name_or_path: A local folder, a hub name, or `package:<module>/<folder>`; null with `scratch`.
    scratch: Config of a model that is made anew, as transformers' config class of its `model_type` takes it; its
        tokenizer is trained on the training rows. Null loads a checkpoint.
    seed: Draws the weights of such a model.
    revision: Hub revision; null is the default branch.
    attention: Attention implementation.
    quantization: Keep the frozen weights in 4 bits (`nf4`, `fp4`; Dettmers et al. 2023,
        https://arxiv.org/abs/2305.14314) or in 8 (`int8`; Dettmers et al. 2022, https://arxiv.org/abs/2208.07339).
        Null keeps them as they compute.
    double_quantization: Whether the scales of the 4 bits are quantized too.
    trust_remote_code: Run code that comes with the checkpoint.
    """

    name_or_path: str | None
    scratch: Any
    seed: int = field(metadata=not_negative(0))
    revision: str | None
    attention: Attention
    quantization: Quantization | None
    double_quantization: bool
    trust_remote_code: bool
