"""Whether a row's score can be its own, whatever rows stand beside it in a batch."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from slimtune.training.errors import ModelError

# rotary positions that are scaled by the longest row of a batch, once that is longer than what they began with
BY_LONGEST_ROW = ("longrope", "dynamic")


def check_alone(model: Any, *, max_length: int, said: str) -> None:
    """Whether padding is nothing to a model.

    Args:
        model: With or without weights.
        max_length: Longest row in tokens.
        said: What an error calls the model.

    Raises:
        ModelError: It cannot be told what is padding, or it computes positions by the longest row of a batch.
    """
    known = inspect.signature(model.forward).parameters
    if "input_ids" in known and "attention_mask" not in known:
        raise ModelError(
            f"{said}: a {model.config.model_type} cannot be told what of a row is padding, so that its score would "
            "depend on the rows beside it; take another model"
        )
    for kind, tokens in _scaled(model.config.get_text_config()):
        if max_length > tokens:
            raise ModelError(
                f"{said}: above {tokens} tokens its positions ({kind}) are scaled by the longest row of a batch, so "
                f"that a row's score would depend on the rows beside it; set data.max_length={tokens}"
            )


def _scaled(config: Any) -> Iterator[tuple[str, int]]:
    """Kinds of positions that are scaled so, each with the longest row that it leaves alone."""
    rope = getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None) or {}
    for one in (rope, *rope.values()):
        # of one kind of layer each, or of all
        if isinstance(one, Mapping) and (kind := one.get("rope_type", one.get("type"))) in BY_LONGEST_ROW:
            tokens = one.get("original_max_position_embeddings") or getattr(
                config, "original_max_position_embeddings", None
            )
            yield kind, int(tokens or config.max_position_embeddings)
