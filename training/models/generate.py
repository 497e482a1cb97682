"""Text that a model writes, in batches of like length."""

# B rows, T tokens

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch

from slimtune.training.data.padding import padded_ids
from slimtune.training.models.generation_settings import LeastNewTokens, end_ids
from slimtune.training.models.static_decoding import StaticDecoder, static_decoder

GENERATION_ROWS = 16


class Generation(NamedTuple):
    """How text is written.

    Attributes:
        max_new_tokens: Longest answer.
        num_beams: 1 is greedy.
    """

    max_new_tokens: int
    num_beams: int


def some_rows(num_rows: int, most: int, *, seed: int) -> list[int]:
    """At most so many row numbers, drawn by the seed, in order."""
    if num_rows <= most:
        return list(range(num_rows))
    return sorted(np.random.default_rng(seed).choice(num_rows, most, replace=False).tolist())


@torch.inference_mode()
def generate(
    model: Any, prompts: Sequence[Sequence[int]], tokenizer: Any, *, settings: Generation, device: torch.device
) -> list[str]:
    """Answers in the order of the prompts, without sampling; a batch gives what row by row would give.

    Args:
        model: A causal model or an encoder-decoder, in evaluation mode.
        prompts: Token ids of each row.
        tokenizer: The model's.
        settings: How long and how.
        device: Where the model is.
    """
    is_encoder_decoder = bool(model.config.is_encoder_decoder)
    own, ends = model.generation_config, end_ids(tokenizer, model.generation_config)
    if room := _room(model, settings):
        # the end of a prompt that leaves no room is kept
        prompts = [prompt[-room:] for prompt in prompts]
    decoder = static_decoder()
    if decoder is not None and (_has_virtual_tokens(model) or not decoder.takes(model, num_beams=settings.num_beams)):
        decoder = None
    answers = [""] * len(prompts)
    order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
    for rows in _batches(order, [len(prompt) for prompt in prompts], even=_has_virtual_tokens(model)):
        given = [prompts[row] for row in rows]
        least = LeastNewTokens(own, [len(one) for one in given], ends, is_encoder_decoder=is_encoder_decoder)
        ids_BT, mask_BT = (torch.from_numpy(array) for array in _filled(given, tokenizer, model, decoder))
        with warnings.catch_warnings(), _cache_for(ids_BT, model, settings, decoder) as cache:
            # without padding there is nothing that they would tell
            warnings.filterwarnings("ignore", message="Position ids are not supported")
            output_BU = model.generate(
                input_ids=ids_BT.to(device),
                attention_mask=mask_BT.to(device),
                max_new_tokens=settings.max_new_tokens,
                num_beams=settings.num_beams,
                do_sample=False,
                use_cache=True,
                **cache,
                pad_token_id=tokenizer.pad_token_id,
                eos_token_id=ends,
                # counted row by row below, and a causal model's first token is that of its prompt
                min_length=0,
                min_new_tokens=None,
                forced_bos_token_id=own.forced_bos_token_id if is_encoder_decoder else None,
                logits_processor=[least] if least.needed else [],
                tokenizer=tokenizer if own.stop_strings else None,
                # other ranks of the trial write nothing
                synced_gpus=False,
            )
        begun = 0 if is_encoder_decoder else ids_BT.shape[1]
        for row, text in zip(rows, tokenizer.batch_decode(output_BU[:, begun:], skip_special_tokens=True), strict=True):
            answers[row] = text
    return answers


def _filled(
    prompts: Sequence[Sequence[int]], tokenizer: Any, model: Any, decoder: StaticDecoder | None
) -> tuple[np.ndarray, np.ndarray]:
    """Token ids and mask; an encoder's rows of a fixed length, if steps are of fixed shapes."""
    is_encoder_decoder = bool(model.config.is_encoder_decoder)
    ids_BT, mask_BT = padded_ids(prompts, tokenizer.pad_token_id, left=not is_encoder_decoder)
    if decoder is None or not is_encoder_decoder:
        return ids_BT, mask_BT
    beside = ((0, 0), (0, decoder.fill_up(ids_BT.shape[1]) - ids_BT.shape[1]))
    return np.pad(ids_BT, beside, constant_values=tokenizer.pad_token_id), np.pad(mask_BT, beside)


@contextmanager
def _cache_for(
    ids_BT: torch.Tensor, model: Any, settings: Generation, decoder: StaticDecoder | None
) -> Iterator[dict[str, Any]]:
    """Arguments that give a batch the cache of steps of fixed shapes; none for the model's own."""
    if decoder is None:
        yield {}
        return
    rows, length = ids_BT.shape
    with decoder.decoding(model, rows=rows, length=length, max_new_tokens=settings.max_new_tokens) as cache:
        yield {"past_key_values": cache, "disable_compile": True}


def _room(model: Any, settings: Generation) -> int | None:
    """Tokens that a prompt may have beside virtual ones and the answer, if virtual ones take places away."""
    positions = getattr(model.config, "max_position_embeddings", None)
    if not _has_virtual_tokens(model) or positions is None or model.config.is_encoder_decoder:
        return None
    num_virtual = int(model.active_peft_config.num_virtual_tokens)
    return max(1, int(positions) - num_virtual - settings.max_new_tokens)


def _has_virtual_tokens(model: Any) -> bool:
    settings = getattr(model, "active_peft_config", None)
    return settings is not None and bool(settings.is_prompt_learning)


def _batches(order: list[int], lengths: list[int], *, even: bool) -> list[list[int]]:
    """Rows in batches, in order; of one length each if virtual tokens stand before the padding, far from the text."""
    batches: list[list[int]] = []
    for row in order:
        fits = batches and len(batches[-1]) < GENERATION_ROWS and (not even or lengths[batches[-1][0]] == lengths[row])
        if fits:
            batches[-1].append(row)
        else:
            batches.append([row])
    return batches
