"""Names that a hasty person takes for one: they differ in case, blanks or unseen signs, or may mean the same."""

import re
import unicodedata
from collections.abc import Iterable

# spellings that a person may mean alike; a single letter is one where its own word is beside it alone
TRUTHS = ({"true", "yes", "on", "1"}, {"false", "no", "off", "0"})
LETTERS = {"t": "true", "y": "yes", "f": "false", "n": "no"}
NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:e[+-]?\d{1,2})?")


def as_seen(label: str) -> str:
    """What of a label a hasty person sees: not case, blanks, Unicode form or signs that are not shown."""
    return "".join(without_unseen(unicodedata.normalize("NFKC", label)).casefold().split())


def without_unseen(label: str) -> str:
    """The label without signs that are not shown, such as joiners and controls."""
    return "".join(sign for sign in label if unicodedata.category(sign) not in ("Cf", "Cc") or sign.isspace())


def meanings_of(label: str) -> set[str]:
    """What a label may mean beside its name: a number, true or false."""
    seen = as_seen(label)
    values = {f"truth {min(words)}" for words in TRUTHS if seen in words}
    values |= {f"word {letter}" for letter, word in LETTERS.items() if seen in (letter, word)}
    return values | ({f"number {float(seen.replace(',', '.'))}"} if NUMBER.fullmatch(seen) else set())


def looks_like(label: str, known: Iterable[str]) -> str:
    """` (looks like 'Spam')` of a label that is written a little otherwise; empty of others."""
    seen, values = as_seen(label), meanings_of(label)
    near = next((one for one in known if as_seen(one) == seen or values & meanings_of(one)), None)
    return f" (looks like '{near}')" if near is not None else ""
