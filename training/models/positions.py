"""How many tokens a model has places for."""

from typing import Any, NamedTuple

from torch import nn

# names of tables with a vector for each place
TABLES = ("position_embeddings", "embed_positions", "wpe", "positions_embed")


class Positions(NamedTuple):
    """Tokens that a model has places for.

    Attributes:
        read: Longest row; None is any number.
        written: Longest answer of an encoder-decoder; None is any number.
        is_table: Whether there is a vector for each place: a longer row fails. Otherwise it was made for such rows.
    """

    read: int | None
    written: int | None
    is_table: bool


def positions_of(model: Any) -> Positions:
    """Of a model, with or without weights."""
    said = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    rooms = [(name, _room(part)) for name, part in model.named_modules() if name.rpartition(".")[2] in TABLES]
    tables = [(name, room) for name, room in rooms if room is not None]
    if not tables:
        return Positions(said, said, is_table=False)
    decoder = [room for name, room in tables if "decoder" in name.split(".")]
    encoder = [room for name, room in tables if "decoder" not in name.split(".")] or decoder
    said = said or max(room for _, room in tables)
    return Positions(min(said, *encoder), min(said, *(decoder or encoder)), is_table=True)


def longest_row(model: Any, max_length: int) -> int:
    """Tokens of a row that the model takes, at most so many."""
    positions = positions_of(model)
    return min(max_length, positions.read) if positions.is_table and positions.read is not None else max_length


def table_counts_padding(model: Any) -> bool:
    """Whether places are counted from behind the padding id, as RoBERTa does."""
    return any(
        isinstance(part, nn.Embedding) and name.endswith(TABLES[0]) and part.padding_idx is not None
        for name, part in model.named_modules()
    )


def _room(part: Any) -> int | None:
    if not isinstance(part, nn.Embedding):
        return None
    # RoBERTa's places begin behind that of its padding id; OPT's and BART's behind an offset
    skipped = getattr(part, "offset", 0)
    if type(part) is nn.Embedding and part.padding_idx is not None:
        skipped = part.padding_idx + 1
    return int(part.num_embeddings - skipped)
