"""What to write in the place of a value that is of another type than its key."""

import re
import shlex
from collections.abc import Mapping
from typing import Any, get_args

from omegaconf import DictConfig, ListConfig

from slimtune.training.config.dotted_keys import as_levels

# sections whose keys may be searched
SEARCHED = ("task.", "data.", "model.", "method.", "fit.")
NUMBER = r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
SEVERAL = re.compile(rf"\s*[\[(]?\s*({NUMBER})(?:\s*(?:,|;|:|\.\.|\bto\b|-|\s)\s*({NUMBER}))+\s*[\])]?\s*")
PERCENT = re.compile(rf"({NUMBER})\s*%")
GROUPED = re.compile(r"\d{1,3}(?:[,_ ']\d{3})+")
DECIMAL_COMMA = re.compile(r"\d+,\d+")
# what is searched, in an override's words or those of other tools
RANGE_CALL = re.compile(r"(?:interval|range|uniform|randint|suggest_(?:float|int))\w*\(")
WHOLE_NUMBER = "use a whole number"
A_LIST = "it is a list"

# tables with a column of ones and zeros for each label
ONE_COLUMN = (
    "use one column; where each label has a column of ones and zeros, write the names of those with a one as a list "
    "into one column"
)

_BY_WORDS = {
    "valid bool": "use true or false",
    "to Bool": "use true or false",
    "to string": "use one text or name, no list or object",
    "not Optional": "it must not be null",
    "non-optional": "it must not be null",
}


def value_repair(key: str, value: Any, reason: str, *, field_type: Any = Any) -> str:
    """What to write.

    Args:
        key: The key, dotted.
        value: What stands there.
        reason: OmegaConf's message about it, which names the type that belongs there.
        field_type: That type, as OmegaConf's node of the key has it.
    """
    if "Invalid value" in reason and "expected one of" in reason:
        return "use one of " + reason.split("expected one of", 1)[1].strip(" []")
    if "to Float" in reason:
        return f"use a number{_meant_number(key, value, is_whole=False)}"
    if "to Integer" in reason:
        return f"{WHOLE_NUMBER}{_meant_number(key, value, is_whole=True)}"
    if value is None and field_type is bool:
        return "it must not be null; write false to take it away"
    if key == "data.label_column" and isinstance(value, list | ListConfig):
        return ONE_COLUMN
    return next((repair for words, repair in _BY_WORDS.items() if words in reason), reason)


def container_repair(node: Any, key: str, value: Any) -> str | None:
    """What to write where a list or values by name belong; None where there are these, or null.

    Args:
        node: OmegaConf's node of the key, which knows the type.
        key: The key, dotted.
        value: What stands there.
    """
    if value is None:
        return None
    if isinstance(node, ListConfig):
        return _list_repair(node, key, value)
    # a section within a section has a type of its own
    is_mapping = isinstance(node, DictConfig) and node._metadata.object_type in (None, dict)
    return f"it has values by name; write '{key}={{name:value}}'" if is_mapping and not _is_mapping(value) else None


def _is_mapping(value: Any) -> bool:
    """Whether it has values by name."""
    return isinstance(value, Mapping)


def _list_repair(node: ListConfig, key: str, value: Any) -> str | None:
    of: Any = node._metadata.element_type
    are_named = getattr(of, "__origin__", None) is dict or of is dict
    if not isinstance(value, list | tuple):
        return f"{A_LIST}; write {as_list(key, value, are_named=are_named)}"
    if are_named and not all(map(_is_mapping, value)):
        return f"its parts have values by name; write '{key}=[{{name:value}}]'"
    if of is str and any(isinstance(one, list | tuple | Mapping) for one in value):
        return "its parts are texts, and none is a list or an object"
    if None in value and of is not Any and not _is_optional(of):
        return "none of its parts may be null"
    return None


def _is_optional(of: Any) -> bool:
    return type(None) in get_args(of)


def as_list(key: str, value: Any, *, are_named: bool = False) -> str:
    """The override that makes a list of a value, as a shell takes it; `are_named` says that its parts are mappings."""
    if isinstance(value, Mapping):
        inner = "{" + ",".join(f"{name}:{one}" for name, one in value.items()) + "}" if are_named else "..."
    else:
        inner = "{name:value}" if are_named else str(value)
    return shlex.quote(f"{key}=[{inner}]")


def _meant_number(key: str, value: Any, *, is_whole: bool) -> str:
    """The one that was meant, or how several are searched, as the end of a sentence; empty where it is not known."""
    if isinstance(value, float) and is_whole and value.is_integer():
        return f", {int(value)}"
    if isinstance(value, str) and (one := _one_number(value.strip(), is_whole=is_whole)):
        return one
    if not key.startswith(SEARCHED):
        return ""
    numbers = _several(value)
    if len(numbers) < 2:
        return _of_range(key, value, is_whole=is_whole)
    listed = f"{key}={','.join(numbers)}"
    if len(numbers) > 2:
        values = f"type: choice, values: [{', '.join(numbers)}]"
        return f"; to search among several, write {listed}, or in a file {_in_space(key, values)}"
    low, high = numbers
    between = f"int(interval({low},{high}))" if is_whole else f"interval({low},{high})"
    values = f"type: {'int' if is_whole else 'float'}, low: {low}, high: {high}{_log(value)}"
    on_line = f"write {listed} for one of them, or '{key}={between}' for what is between"
    return f"; to search, {on_line}, in a file {_in_space(key, values)}"


def _of_range(key: str, value: Any, *, is_whole: bool) -> str:
    """Of a text that is a range on the command line, or in another tool's code."""
    if not isinstance(value, str) or not RANGE_CALL.search(value):
        return ""
    numbers = sorted(re.findall(rf"(?<![\w.]){NUMBER}", value), key=float)[:2]
    low, high = numbers if len(numbers) == 2 else ("...", "...")
    log = ", log: true" if "log" in value else ""
    values = f"type: {'int' if is_whole else 'float'}, low: {low}, high: {high}{log}"
    return f"; a range stands under space, {_in_space(key, values)}"


def _log(value: Any) -> str:
    is_log = isinstance(value, Mapping) and (value.get("log") is True or "log" in str(value.get("type", "")))
    return ", log: true" if is_log else ""


def _in_space(key: str, values: str) -> str:
    return as_levels(f"space.{key}", f"{{{values}}}")


def _one_number(text: str, *, is_whole: bool) -> str:
    if found := PERCENT.fullmatch(text):
        return "" if is_whole else f", {float(found[1]) / 100:g}"
    if GROUPED.fullmatch(text):
        return f", {re.sub('[^0-9]', '', text)}"
    if not is_whole and DECIMAL_COMMA.fullmatch(text):
        return f" with a point before its decimals, {text.replace(',', '.')}"
    return ""


def _bounds(value: Mapping[Any, Any]) -> list[Any]:
    """Of a dimension: its ends, or its values, without its type."""
    listed = next((one for one in value.values() if isinstance(one, list)), None)
    return [one for one in value.values() if not isinstance(one, str | bool)] if listed is None else listed


def _several(value: Any) -> list[str]:
    """The numbers of a list, of a range by other tools' names, or of a text that has several."""
    if isinstance(value, Mapping):
        value = _bounds(value)
    if isinstance(value, list):
        is_plain = all(isinstance(one, int | float) and not isinstance(one, bool) for one in value)
        return [f"{one:g}" if isinstance(one, float) else str(one) for one in value] if is_plain else []
    if isinstance(value, str) and SEVERAL.fullmatch(value):
        # a sign that parts two numbers is none of theirs
        return re.findall(rf"(?<![\deE]){NUMBER}", value)
    return []
