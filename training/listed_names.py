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


def counted(number: int, one: str, several: str | None = None) -> str:
    """A number of things: `1 trial`, `3 trials`, `12,000 rows`.

    Args:
        number: Of them.
        one: What one is called.
        several: What several are called, where that is not the same with an s.
    """
    return f"{number:,} {agreeing(number, one, f'{one}s' if several is None else several)}"


def agreeing(number: int, one: str, several: str) -> str:
    """The words that go with one thing, or with several."""
    return one if number == 1 else several


def by_numbers(what: str, numbers: Iterable[int]) -> str:
    """Things that are called by their numbers: `trial 0`, `trials 0, 2`."""
    found = list(map(str, numbers))
    return f"{agreeing(len(found), what, f'{what}s')} {', '.join(found)}"


def told_ended(ended: int, budget: int | None) -> str:
    """How many trials of a budget have ended: `1 of 4 trials has ended`; None is no budget that is known."""
    if budget is None:
        return counted(ended, "trial has ended", "trials have ended")
    return f"{ended:,} of {counted(budget, 'trial')} {agreeing(ended, 'has', 'have')} ended"


def on_one_line(value: str) -> str:
    """A value as it is; in quotes and with escapes where a sign of it would begin a new line, or not be seen."""
    return value if value.isprintable() else repr(value)


def short_repr(name: str, **values: Any) -> str:
    """A record in one line, as `repr` has it: what a person looks for in it, its paths as they are typed."""
    shown = {key: str(value) if isinstance(value, Path) else value for key, value in values.items()}
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in shown.items())})"
