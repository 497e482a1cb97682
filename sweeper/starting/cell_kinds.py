"""What a person calls the cells of a column that are no words of a language: dates, numbers, addresses, yes or no."""

import re
from collections.abc import Callable, Sequence
from datetime import date, time
from typing import Any

# of a column's cells, those that must be of a kind for it to be called so
LEAST_OF_A_KIND = 0.9
MONTHS = (
    r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?"
)
DAYS = r"mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:rs(?:day)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
# words of dates, where a text has digits as well
OF_DATES = re.compile(rf"{MONTHS}|{DAYS}|utc|gmt", re.IGNORECASE)
MONTH, DAY, YEAR = r"(?:0?[1-9]|1[0-2])", r"(?:0?[1-9]|[12]\d|3[01])", r"(?:1[5-9]|2[01])\d\d"
TWO_DIGITS, ORDINAL = r"\d\d", rf"{DAY}(?:st|nd|rd|th|\.)?"
CLOCK = (
    r"(?:[01]?\d|2[0-4]):[0-5]\d(?::[0-6]\d(?:[.,]\d+)?)?(?:\s?[ap]\.?m\.?)?(?:\s?(?:z|utc|gmt|[+-]\d\d:?(?:\d\d)?))?"
)
# 2026-03-01, 2026/3/1, 2026-03, 2026-W09, 2026-060
YEAR_FIRST = rf"{YEAR}([-/.]){MONTH}\1{DAY}|{YEAR}[-/]{MONTH}|{YEAR}-?w[0-5]\d(?:-?[1-7])?|{YEAR}-[0-3]\d\d"
# 20260301T120000Z; without a time it is a number
COMPACT = rf"{YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])t\d{{4}}(?:\d\d)?(?:z|[+-]\d{{4}})?"
# 1.3.2026, 03/01/2026, 1-3-26; two signs each where it might be a number of a version
YEAR_LAST = rf"{DAY}([-/.]){DAY}\2(?:{YEAR}|(?<=[-/]){TWO_DIGITS})|[0-3]\d\.[01]\d\.{TWO_DIGITS}"
# 1 March 2026, Mar 1st, 2026, 01-Mar-2026, March 2026
NAMED = (
    rf"(?:{ORDINAL}[\s-]+(?:of\s+)?(?:{MONTHS})\.?(?:,?[\s-]+(?:{YEAR}|{TWO_DIGITS}))?"
    rf"|(?:{MONTHS})\.?\s+(?:{ORDINAL}(?:,?\s+{YEAR})?|{YEAR}))"
)
DATE = re.compile(
    rf"(?:(?:{DAYS})\.?,?\s+)?(?:{YEAR_FIRST}|{YEAR_LAST}|{NAMED})(?:(?:t|,?\s+(?:at\s+)?){CLOCK})?|{COMPACT}",
    re.IGNORECASE,
)
# as C and Python write one: Sun Mar  1 12:00:00 2026
OF_C = re.compile(rf"(?:{DAYS})\s+(?:{MONTHS})\s+{DAY}\s+{CLOCK}\s+{YEAR}", re.IGNORECASE)
TIME = re.compile(CLOCK, re.IGNORECASE)
URL = re.compile(r"(?:[a-z][a-z0-9+.-]*://|www\.)\S+", re.IGNORECASE)
MAIL = re.compile(r"(?:mailto:)?[^\s@<>]+@[^\s@<>]+\.[^\s@<>.]+", re.IGNORECASE)
# 1,234.50, 12 %, $5, -3,5; that float reads is a number without this
NUMBER = re.compile(r"[-+]?[$€£]?\s?(?:\d{1,3}(?:[,.' ]\d{3})+|\d+)(?:[.,]\d+)?\s?[%$€£]?")
YES_OR_NO = ({"yes", "no"}, {"true", "false"}, {"y", "n"}, {"t", "f"}, {"on", "off"})

Fits = Callable[[str], object]
KINDS: Sequence[tuple[str, Fits]] = (
    ("number", NUMBER.fullmatch),
    ("date", lambda text: DATE.fullmatch(text) or OF_C.fullmatch(text)),
    ("time", TIME.fullmatch),
    ("URL", URL.fullmatch),
    ("e-mail", MAIL.fullmatch),
)
TYPES: Sequence[tuple[str, type]] = (("date", date), ("time", time), ("yes/no", bool))


def kind_of_cells(cells: Sequence[Any], texts: Sequence[str]) -> str | None:
    """What nine of ten of them are, in a word; None where they have no such kind.

    Args:
        cells: Of a column, as they were read; none is missing.
        texts: The same as text.
    """
    if not cells:
        return None
    found = next((kind for kind, one in TYPES if all(isinstance(cell, one) for cell in cells)), None)
    if found is not None:
        return found
    if any(not isinstance(cell, str) for cell in cells):
        return None
    stripped = [text.strip() for text in texts]
    if len(words := {text.casefold() for text in stripped}) == 2 and words in YES_OR_NO:
        return "yes/no"
    least = LEAST_OF_A_KIND * len(stripped)
    return next((kind for kind, fits in KINDS if sum(map(bool, map(fits, stripped))) >= least), None)
