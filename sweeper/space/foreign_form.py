"""Dimensions as other tools write them, in the form that is read here."""

from collections.abc import Mapping
from typing import Any

from slimtune.sweeper.space.dimension import is_number

# what others call the keys of a dimension
KEYS: dict[str, str] = {
    **dict.fromkeys(("type", "distribution", "dist", "kind"), "type"),
    **dict.fromkeys(("low", "min", "lower", "minimum", "start"), "low"),
    **dict.fromkeys(("high", "max", "upper", "maximum", "stop", "end"), "high"),
    **dict.fromkeys(("values", "choices", "categories", "value"), "values"),
    "log": "log",
    **dict.fromkeys(("step", "q"), "step"),
}
WHOLE_TYPES = ("int", "randint", "discrete", "q_uniform", "quniform")


def is_dimension(value: Mapping[Any, Any]) -> bool:
    """Whether a mapping says what one key may be, and is no level of keys."""
    return any(key in KEYS and not isinstance(inner, Mapping) for key, inner in value.items())


def own_key(key: str) -> str | None:
    """What a key of a dimension is called here; None if others have none of that name."""
    found = KEYS.get(key.lower())
    return None if found == key else found


def own_form(value: Any) -> str | None:
    """The dimension that another form means, as it is written here; None where that is not seen."""
    if isinstance(value, list | tuple):
        return _of_list(list(value))
    if not isinstance(value, Mapping):
        return None
    named = {KEYS[key.lower()]: one for key, one in value.items() if isinstance(key, str) and key.lower() in KEYS}
    values = named.get("values")
    if isinstance(values, list | tuple) and values:
        return _choice(list(values))
    low, high, kind = named.get("low"), named.get("high"), str(named.get("type", "")).lower()
    if not (is_number(low) and is_number(high)):
        return None
    is_log = "log" in kind or value.get("log") is True or value.get("scale") == "log"
    step = named.get("step")
    # a range that is even in the logarithm has no steps
    return _range(low, high, is_whole=_is_whole(low, high, kind), is_log=is_log, step=None if is_log else step)


def _of_list(values: list[Any]) -> str | None:
    if not values or any(isinstance(one, list | Mapping) for one in values):
        return None
    if len(values) != 2 or not all(map(is_number, values)):
        return _choice(values)
    between = _range(*sorted(values), is_whole=_is_whole(values[0], values[1], ""), is_log=False)
    return f"{_choice(values)} for one of these, or {between} for all between"


def _choice(values: list[Any]) -> str:
    return f"{{type: choice, values: [{', '.join(map(_written, values))}]}}"


def _range(low: Any, high: Any, *, is_whole: bool, is_log: bool, step: Any = None) -> str:
    kind = "int" if is_whole else "float"
    more = f", step: {step}" if is_number(step) else ""
    return f"{{type: {kind}, low: {low}, high: {high}{more}{', log: true' if is_log else ''}}}"


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "null" if value is None else str(value)


def _is_whole(low: Any, high: Any, kind: str) -> bool:
    are_whole = isinstance(low, int) and isinstance(high, int)
    return are_whole and (not kind or any(name in kind for name in WHOLE_TYPES))
