"""What every source gives."""

from collections.abc import Mapping
from typing import Any

from slimtune.training.config.schema import nearest_word
from slimtune.training.errors import NoColumn

Row = dict[str, Any]


def no_column(column: str, row: Mapping[str, Any], *, key: str, where: str) -> NoColumn:
    """Says which column a row lacks, which ones it has, and which of them was meant."""
    known = [str(name) for name in row]
    inside = next(
        (f"{name}.{column}" for name, cell in row.items() if isinstance(cell, Mapping) and column in cell), None
    )
    near = inside or nearest_word(column, known)
    hint = f"; did you mean '{near}'?" if near else ""
    return NoColumn(f"{where}: no column '{column}' ({key}); the row has {', '.join(known)}{hint}", column)
