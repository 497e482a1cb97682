"""The token that fills up a batch: the tokenizer's, by whatever looks for it."""

from typing import Any

from slimtune.training.errors import ModelError
from slimtune.training.models.positions import table_counts_padding


def settle_padding(model: Any, pad_token_id: int, *, said: str) -> None:
    """Let a model look for the tokenizer's padding, so that a row's scores do not depend on the rows beside it.

    Args:
        model: Its config is changed.
        pad_token_id: The tokenizer's.
        said: What an error calls it.

    Raises:
        ModelError: Its positions are counted from another padding id.
    """
    own = padding_of(model)
    if own is not None and own != pad_token_id and table_counts_padding(model):
        raise ModelError(
            f"{said}: its positions are counted from pad_token_id {own} of config.json, and its tokenizer pads with "
            f"{pad_token_id}; give both the same token, the one that the model was trained with"
        )
    for config in {id(one): one for one in (model.config, model.config.get_text_config())}.values():
        config.pad_token_id = pad_token_id


def padding_of(model: Any) -> int | None:
    """The padding id of a model's config; None if it names none."""
    found: int | None = getattr(model.config.get_text_config(), "pad_token_id", None)
    return found


def padding_notes(model: Any, pad_token_id: int) -> list[str]:
    """What a person should know of a config that names another one."""
    own = padding_of(model)
    if own is None or own == pad_token_id:
        return []
    return [f"the model's config pads with token {own} and its tokenizer with {pad_token_id}, which is taken"]
