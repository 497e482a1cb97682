"""What to write in the place of a value that is of another type than its key."""

import re
import shlex
from collections.abc import Mapping
from typing import Any

# sections whose keys may be searched
SEARCHED = ("task.", "data.", "model.", "method.", "fit.")
NUMBER = r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
SEVERAL = re.compile(rf"\s*[\[(]?\s*({NUMBER})(?:\s*(?:,|;|:|\.\.|\bto\b|-|\s)\s*({NUMBER}))+\s*[\])]?\s*")
PERCENT = re.compile(rf"({NUMBER})\s*%")
GROUPED = re.compile(r"\d{1,3}(?:[,_ ']\d{3})+")
DECIMAL_COMMA = re.compile(r"\d+,\d+")
WHOLE_NUMBER = "use a whole number"
A_LIST = "it is a list"

_BY_WORDS = {
    "valid bool": "use true or false",
    "to Bool": "use true or false",
    "to string": "use one text or name, no list or object",
    "not Optional": "it must not be null",
    "non-optional": "it must not be null",
}


def value_repair(key: str, value: Any, reason: str) -> str:
    """What to write.

    Args:
        key: The key, dotted.
        value: What stands there.
        reason: OmegaConf's message about it, which names the type that belongs there.
    """
    if "Invalid value" in reason and "expected one of" in reason:
        return "use one of " + reason.split("expected one of", 1)[1].strip(" []")
    if "to Float" in reason:
        return f"use a number{_meant_number(key, value, is_whole=False)}"
    if "to Integer" in reason:
        return f"{WHOLE_NUMBER}{_meant_number(key, value, is_whole=True)}"
    if "to Dict" in reason or "DictConfig with" in reason:
        return f"it has values by name; write {key}={{name:value}}"
    if "is not a ListConfig" in reason or "ListConfig with" in reason:
        return f"{A_LIST}; write {as_list(key, value)}"
    return next((repair for words, repair in _BY_WORDS.items() if words in reason), reason)


def as_list(key: str, value: Any) -> str:
    """The override that makes a list of a value, as a shell takes it."""
    inner = "..." if isinstance(value, Mapping) else str(value)
    return shlex.quote(f"{key}=[{inner}]")


def _meant_number(key: str, value: Any, *, is_whole: bool) -> str:
    """The one that was meant, or how several are searched, as the end of a sentence; empty where it is not known."""
    if isinstance(value, float) and is_whole and value.is_integer():
        return f", {int(value)}"
    if isinstance(value, str) and (one := _one_number(value.strip(), is_whole=is_whole)):
        return one
    numbers = _several(value)
    if len(numbers) < 2 or not key.startswith(SEARCHED):
        return ""
    listed = f"{key}={','.join(numbers)}"
    if len(numbers) > 2:
        return f"; to search among several, write {listed}"
    low, high = numbers
    between = f"int(interval({low},{high}))" if is_whole else f"interval({low},{high})"
    return f"; to search, write {listed} for one of them, or '{key}={between}' for what is between"


def _one_number(text: str, *, is_whole: bool) -> str:
    if found := PERCENT.fullmatch(text):
        return "" if is_whole else f", {float(found[1]) / 100:g}"
    if GROUPED.fullmatch(text):
        return f", {re.sub('[^0-9]', '', text)}"
    if not is_whole and DECIMAL_COMMA.fullmatch(text):
        return f" with a point before its decimals, {text.replace(',', '.')}"
    return ""


def _several(value: Any) -> list[str]:
    """The numbers of a list, of a range by other tools' names, or of a text that has several."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        is_plain = all(isinstance(one, int | float) and not isinstance(one, bool) for one in value)
        return [f"{one:g}" if isinstance(one, float) else str(one) for one in value] if is_plain else []
    if isinstance(value, str) and SEVERAL.fullmatch(value):
        # a sign that parts two numbers is none of theirs
        return re.findall(rf"(?<![\deE]){NUMBER}", value)
    return []
