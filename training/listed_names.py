"""Names in a sentence, with commas between them."""

from collections.abc import Iterable, Mapping


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
