"""Class labels that `datasets` stores as ids: their names."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from slimtune.training.data.readers.row import ID_ENDING, Row

# where `datasets` writes what its columns are
METADATA_KEY = b"huggingface"


def with_names(rows: Iterable[Mapping[str, Any]], names_by_column: Mapping[str, list[str]]) -> Iterator[Row]:
    """Rows with the names of their class labels, the ids beside them as `<column>_id`."""
    for row in rows:
        ids = {f"{column}{ID_ENDING}": row[column] for column in names_by_column if column in row}
        named = {column: _named(row[column], names) for column, names in names_by_column.items() if column in row}
        yield ids | dict(row) | named


def class_names_in(metadata: Mapping[bytes, bytes] | None) -> dict[str, list[str]]:
    """Names of the classes by column, from the metadata of an Arrow or Parquet file."""
    try:
        features = json.loads((metadata or {})[METADATA_KEY])["info"]["features"]
        found = {column: _names(feature) for column, feature in features.items()}
    except (KeyError, ValueError, TypeError, AttributeError):
        return {}
    return {column: names for column, names in found.items() if names}


def _names(feature: Any) -> list[str]:
    inner = feature.get("feature", feature) if isinstance(feature, dict) else {}
    is_label = isinstance(inner, dict) and inner.get("_type") == "ClassLabel"
    return list(map(str, inner.get("names") or [])) if is_label else []


def _named(value: Any, names: list[str]) -> Any:
    """The name of an id, or those of a list of ids; -1, by which a split without labels has them, is none."""
    if isinstance(value, list):
        return [_named(one, names) for one in value]
    if value is None or value < 0:
        return None
    return names[value] if value < len(names) else value
