"""Text that a model writes by steps of fixed shapes: a cache that stays where it is, and work that can be repeated."""

# B rows, T tokens

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, Protocol

import torch
from torch.utils._pytree import tree_flatten, tree_unflatten
from transformers import EncoderDecoderCache, StaticCache
from transformers.cache_utils import StaticLayer
from transformers.modeling_outputs import CausalLMOutputWithPast

from slimtune.training.methods.modules import unwrapped

Tensors = Mapping[str, torch.Tensor]


class StepTaker(Protocol):
    """Takes work on tensors, which it may repeat without the Python around them."""

    def __call__(
        self, key: Hashable, work: Callable[[Tensors], tuple[torch.Tensor, ...]], inputs: Tensors
    ) -> tuple[torch.Tensor, ...]:
        """What the work gives; that of equal keys differs in the values of its inputs alone."""
        ...


class StaticDecoder:
    """Caches for batches of some shapes, and the steps over them.

    Args:
        run: Who takes the steps.
        fill_up: To what length rows of so many tokens are filled up.
    """

    def __init__(self, run: StepTaker, fill_up: Callable[[int], int]) -> None:
        self._run, self.fill_up = run, fill_up
        self._caches: dict[Hashable, Any] = {}

    def takes(self, model: Any, *, num_beams: int) -> bool:
        """Whether the model's steps are tensors alone: greedy ones, over a cache whose layers keep all positions."""
        inner = unwrapped(model)
        if num_beams > 1 or not getattr(inner, "_can_compile_fullgraph", False):
            return False
        layers = StaticCache(config=inner.config.get_text_config(decoder=True), max_cache_len=1).layers
        return all(type(layer) is StaticLayer for layer in layers)

    @contextmanager
    def decoding(self, model: Any, *, rows: int, length: int, max_new_tokens: int) -> Iterator[Any]:
        """The cache for a batch, empty; within, the model's steps after the first one are taken by `run`.

        Args:
            model: As `takes` says.
            rows: Of the batch.
            length: Tokens of its prompts, with padding.
            max_new_tokens: Longest answer.
        """
        inner = unwrapped(model)
        cache, key = self._cache(inner, rows, length, max_new_tokens)
        forward, num_calls = inner.forward, 0

        @wraps(forward)
        def step(*args: Any, **named: Any) -> Any:
            nonlocal num_calls
            num_calls += 1
            # the first one reads the prompt, and what an encoder said of it
            if num_calls == 1 or args or named.get("past_key_values") is not cache:
                return forward(*args, **named)
            return self._step(forward, key, cache, named)

        inner.forward = step
        try:
            yield cache
        finally:
            del inner.forward

    def _cache(self, inner: Any, rows: int, length: int, max_new_tokens: int) -> tuple[Any, Hashable]:
        config = inner.config.get_text_config(decoder=True)
        is_encoder_decoder = bool(inner.config.is_encoder_decoder)
        # an encoder-decoder's answer has a start token of its own
        room = self.fill_up(max_new_tokens + 1 if is_encoder_decoder else length + max_new_tokens)
        key = (rows, room, length if is_encoder_decoder else None)
        cache = self._caches.get(key)
        if cache is None:
            cache = _empty_cache(config, room)
            if is_encoder_decoder:
                cache = EncoderDecoderCache(cache, _empty_cache(config, length))
            self._caches[key] = cache
        else:
            cache.reset()
        return cache, key

    def _step(self, forward: Callable[..., Any], key: Hashable, cache: Any, named: Mapping[str, Any]) -> Any:
        rest = {name: value for name, value in named.items() if name != "past_key_values"}
        leaves, form = tree_flatten(rest)
        places = [place for place, leaf in enumerate(leaves) if isinstance(leaf, torch.Tensor)]
        inputs = {str(place): leaves[place] for place in places}
        shapes = tuple((tuple(one.shape), one.dtype) for one in inputs.values())
        constants = tuple(repr(leaf) for place, leaf in enumerate(leaves) if place not in places)

        def work(tensors: Tensors) -> tuple[torch.Tensor, ...]:
            given = [tensors.get(str(place), leaf) for place, leaf in enumerate(leaves)]
            return (forward(**tree_unflatten(given, form), past_key_values=cache).logits,)

        (logits,) = self._run((key, str(form), shapes, constants), work, inputs)
        return CausalLMOutputWithPast(logits=logits, past_key_values=cache)


class _Layer(StaticLayer):  # type: ignore[no-untyped-call]
    """One whose keys and values may differ in precision: autocast casts values, and rotated keys are float32."""

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        super().lazy_initialization(key_states, value_states)
        assert self.values is not None
        self.values = self.values.to(value_states.dtype)


def _empty_cache(config: Any, length: int) -> StaticCache:
    cache = StaticCache(config=config, max_cache_len=length)
    cache.layers = [_Layer(max_cache_len=length) for _ in cache.layers]
    return cache


# who takes the steps of what is written now; a task that writes text need not know
_current: ContextVar[StaticDecoder | None] = ContextVar("static_decoder", default=None)


def static_decoder() -> StaticDecoder | None:
    """Who takes the steps of what is written now; None where the model does as always."""
    return _current.get()


@contextmanager
def written_by(decoder: StaticDecoder) -> Iterator[None]:
    """Let all text that is written meanwhile be written by these steps."""
    token = _current.set(decoder)
    try:
        yield
    finally:
        _current.reset(token)
