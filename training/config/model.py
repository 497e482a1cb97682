"""The type of the config's section `model`. Values live in `conf/model/`; nothing here has a default."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from slimtune.training.config.schema import seed

# bytes, the end and the padding
LEAST_VOCABULARY = 258
# a tiny_llama on 56 rows in 20 passes: validation loss 3.29 at 5e-5, 1.39 at 3e-4, 1.04 at 3e-3, 1.52 at 1e-2, and 3.47
# by token counts alone; conf/space/full_drawn.yaml searches from the first of these to 1e-2
LEAST_RATE, USUAL_RATE = 3e-4, 3e-3
# passes over a few hundred to a few thousand rows
USUAL_EPOCHS = 20
# the option of the group `space` that searches rates for weights that are drawn anew
SPACE = "full_drawn"
MADE_KEYS = ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id")


class Attention(Enum):
    """transformers' attention implementation; `auto` takes eager for short rows on a CPU, else SDPA where the model's
    family has it.
    """

    auto = "auto"
    eager = "eager"
    sdpa = "sdpa"
    flash_attention_2 = "flash_attention_2"

    @property
    def asked(self) -> str | None:
        """As transformers is asked for it, which of itself takes SDPA where it can; by name it fails elsewhere."""
        return None if self is Attention.auto else str(self.value)


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
    attention: How attention is computed.
    quantization: Keep the frozen weights in 4 bits (`nf4`, `fp4`; Dettmers et al. 2023,
        https://arxiv.org/abs/2305.14314) or in 8 (`int8`; Dettmers et al. 2022, https://arxiv.org/abs/2208.07339).
        Null keeps them as they compute.
    double_quantization: Whether the scales of the 4 bits are quantized too.
    trust_remote_code: Run code that comes with the checkpoint.
    """

    name_or_path: str | None
    scratch: Any
    seed: int = field(metadata=seed())
    revision: str | None
    attention: Attention
    quantization: Quantization | None
    double_quantization: bool
    trust_remote_code: bool


def scratch_problems(scratch: Any) -> list[str]:
    """What is wrong with `model.scratch`, but for what transformers alone knows."""
    if not isinstance(scratch, Mapping) or not {"model_type", "vocab_size"} <= set(scratch):
        return [f"model.scratch is {scratch!r}; use a mapping with model_type and vocab_size, e.g. model=tiny_llama"]
    kind, size = scratch["model_type"], scratch["vocab_size"]
    problems = [] if isinstance(kind, str) else [f"model.scratch.model_type is {kind!r}; use a name, e.g. llama"]
    if not isinstance(size, int) or isinstance(size, bool) or size < LEAST_VOCABULARY:
        problems.append(
            f"model.scratch.vocab_size is {size!r}; use a whole number from {LEAST_VOCABULARY} on: bytes are tokens, "
            "and two special ones"
        )
    taken = [key for key in MADE_KEYS if key in scratch]
    return [*problems, *(f"model.scratch.{key} is of the tokenizer that is made; leave it out" for key in taken)]


def needed_by_drawn() -> str:
    """What weights that are drawn anew need beside `model.scratch`, as it is typed."""
    one_trial = f"fit.learning_rate={shown_rate(USUAL_RATE)}"
    return f"method=full fit.epochs={USUAL_EPOCHS}, and space={SPACE} for a search or {one_trial} for one trial"


def shown_rate(rate: float) -> str:
    """As configs write it: 3e-4."""
    digits, _, power = f"{rate:.2e}".partition("e")
    return f"{float(digits):g}e{int(power)}"
