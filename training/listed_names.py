"""Names in a sentence, with commas between them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def with_commas(names: Iterable[str]) -> str:
    """The names, so that it is seen where each ends."""
    return ", ".join(map(quoted_at_commas, names))


def quoted_at_commas(name: str) -> str:
    """A name for such a list: in quotes where it has a comma itself."""
    return f"'{name}'" if "," in name else name


def with_counts(counts: Mapping[str, int]) -> str:
    """Names in a sentence, each with how many there are."""
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def on_one_line(value: str) -> str:
    """A value as it is; in quotes and with escapes where a sign of it would begin a new line, or not be seen."""
    return value if value.isprintable() else repr(value)


def short_repr(name: str, **values: Any) -> str:
    """A record in one line, as `repr` has it: what a person looks for in it, its paths as they are typed."""
    shown = {key: str(value) if isinstance(value, Path) else value for key, value in values.items()}
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in shown.items())})"
