"""What a model's own generation settings mean for greedy decoding, in PyTorch and in a bundle alike."""

# N rows (each beam is one), U tokens, V vocabulary

from collections.abc import Sequence
from typing import Any

import torch
from transformers import LogitsProcessor

from slimtune.training.broken_files import text_of_error
from slimtune.training.data.least_new_tokens import least_new_tokens
from slimtune.training.errors import ModelError

# settings that change what is written, with the value that changes nothing: PyTorch does them, a bundle does not
PYTORCH_ONLY = {
    "no_repeat_ngram_size": 0,
    "encoder_no_repeat_ngram_size": 0,
    "repetition_penalty": 1.0,
    "encoder_repetition_penalty": 1.0,
    "bad_words_ids": None,
    "suppress_tokens": None,
    "begin_suppress_tokens": None,
    "sequence_bias": None,
    "exponential_decay_length_penalty": None,
    "guidance_scale": 1.0,
    "watermarking_config": None,
    "stop_strings": None,
    "token_healing": False,
    "max_time": None,
}
# ways of decoding that transformers has no more, or that need more than a model
GONE = {
    "penalty_alpha": 0.0,
    "dola_layers": None,
    "constraints": None,
    "force_words_ids": None,
    "num_beam_groups": 1,
    "use_mtp": False,
}
# of sampling, which nothing here does; transformers refuses to save them beside do_sample=false
SAMPLING = ("temperature", "top_k", "top_p", "min_p", "top_h", "typical_p", "epsilon_cutoff", "eta_cutoff")


def end_ids(tokenizer: Any, own: Any) -> list[int]:
    """Tokens that end an answer: the tokenizer's end, and others of the model's settings that are special tokens.

    Args:
        tokenizer: The model's.
        own: Its generation config.
    """
    end = int(tokenizer.eos_token_id)
    said = own.eos_token_id if isinstance(own.eos_token_id, list | tuple) else [own.eos_token_id]
    special = {*tokenizer.all_special_ids, *_special_added(tokenizer)}
    return [end, *(int(one) for one in said if one is not None and one != end and int(one) in special)]


def _special_added(tokenizer: Any) -> set[int]:
    return {number for number, token in getattr(tokenizer, "added_tokens_decoder", {}).items() if token.special}


def asked_beyond(own: Any, plain: dict[str, Any]) -> str:
    """Settings that differ from values that change nothing, as text; empty if none does."""
    asked = {name: getattr(own, name, None) for name in plain}
    return ", ".join(f"{name}={value}" for name, value in asked.items() if value not in (None, plain[name]))


def start_id_of(model: Any) -> int | None:
    """What an encoder-decoder's answer begins with; None if nothing says so."""
    start = getattr(model.generation_config, "decoder_start_token_id", None)
    return getattr(model.config, "decoder_start_token_id", None) if start is None else start


def settle_generation(model: Any, *, said: str) -> None:
    """Make a model's generation config one that can be saved again.

    Args:
        model: Its config is changed.
        said: What an error calls it.

    Raises:
        ModelError: It contradicts itself.
    """
    own = getattr(model, "generation_config", None)
    if own is None:
        return
    if not own.do_sample:
        for name in SAMPLING:
            setattr(own, name, None)
    own.num_return_sequences = None
    own.return_dict_in_generate = None
    try:
        own.validate(strict=True)
    except ValueError as error:
        reason = text_of_error(error, 300)
        raise ModelError(f"{said}: its generation_config.json cannot be used ({reason}); mend it there") from None


class LeastNewTokens(LogitsProcessor):
    """No end before a row has its least number of tokens; counted row by row, without padding.

    Args:
        own: The model's generation config.
        lengths: Tokens of each prompt.
        ends: Tokens that end an answer.
        is_encoder_decoder: Whether the answer stands by itself.
    """

    def __init__(self, own: Any, lengths: Sequence[int], ends: Sequence[int], *, is_encoder_decoder: bool) -> None:
        befores = [1 if is_encoder_decoder else length for length in lengths]
        self._ends, self._before = list(ends), 1 if is_encoder_decoder else max(lengths)
        self._least = [least_new_tokens(own.min_length or 0, own.min_new_tokens, before=one) for one in befores]

    @property
    def needed(self) -> bool:
        """Whether any row has such a number."""
        return any(least > 0 for least in self._least)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """As transformers asks: scores (N, V) after tokens (N, U)."""
        num_new = input_ids.shape[1] - self._before
        least_N = torch.tensor(self._least, device=scores.device).repeat_interleave(len(scores) // len(self._least))
        ends_V = torch.zeros(scores.shape[1], dtype=torch.bool, device=scores.device)
        ends_V[self._ends] = True
        blocked = (least_N > num_new)[:, None] & ends_V
        # a forced end has no other score beside it
        blocked &= (scores > -torch.inf).sum(1, keepdim=True) > len(self._ends)
        return scores.masked_fill(blocked, -torch.inf)
