"""Labels as a list of ones and zeros, one for each class."""

import re
from collections.abc import Sequence
from typing import Any

from slimtune.training.errors import DataError

BITS = {"0", "1"}
SHOWN = 2
# signs between ones and zeros in a text: commas part labels as well
WRITTEN = re.compile(r"[01](?:(?P<sign>[\s,;|])\s*[01])(?:(?P=sign)\s*[01])*")


def hot_parts(value: Any) -> list[int | str] | None:
    """The ones and zeros of a text with one sign between them, `1 0 1` or `1;0;1`; None if it is no such text.

    Those with commas between stay texts, as in a list of texts: `1, 0` may be two labels.
    """
    if not isinstance(value, str) or (found := WRITTEN.fullmatch(value.strip())) is None:
        return None
    bits = re.findall("[01]", value)
    return bits if found["sign"] == "," else [int(bit) for bit in bits]


def hot_names(parts: Sequence[Any], known: Sequence[str], *, column: str, where: str) -> list[str] | None:
    """The classes with a one, in the order of `known`; None if the list is no such list.

    It is one if nothing but ones and zeros stands in it and it could not be a list of labels: it has true, false, 1.0,
    or one of them twice; or `known` has as many names as it has parts, and other ones. They may be texts where no name
    is one or zero. A part that is None is missing.

    Raises:
        DataError: It is one, and there is not a name for each part, or a part is missing.
    """
    names_fit = len(known) == len(parts) and not set(known) <= BITS
    if known and not BITS & {*known}:
        parts = [int(part) if isinstance(part, str) and part in BITS else part for part in parts]
    given = [part for part in parts if part is not None]
    if not given or not all(isinstance(part, int | float) and part in (0, 1) for part in given):
        return None
    # ones and zeros are no labels where none of the names is one
    is_ragged = bool(known) and not BITS & {*known}
    if not (names_fit or is_ragged or _is_no_list_of_labels(given)):
        return None
    if len(given) < len(parts):
        raise DataError(
            f"{where}: column '{column}' is {list(parts)!r:.60}, a one or zero for each class, of which "
            f"{len(parts) - len(given)} are missing (null, NaN or blank); write a one or zero there, or remove the row"
        )
    # one of several classes, where ones and zeros would be several
    if not names_fit and known and len(parts) == 1:
        names = ", ".join(f"{number} is {known[number]}" for number in range(min(SHOWN, len(known))))
        raise DataError(
            f"{where}: column '{column}' is {list(parts)!r:.60}, and task.labels has {len(known)} names; if these are "
            f"ids of classes, write the names in their place ({names}, ...); if ones and zeros, write {len(known)}"
        )
    if not names_fit:
        has = f"task.labels has {len(known)} names" if known else "nothing names the classes"
        raise DataError(
            f"{where}: column '{column}' is {list(parts)!r:.60}, a one or zero for each class, and {has}; "
            f"name all {len(parts)} in their order, e.g. 'task.labels=[first,second,...]'"
            f"{f', or give the row {len(known)}' if known else ''}"
        )
    return [name for name, part in zip(known, parts, strict=True) if part]


def _is_no_list_of_labels(parts: Sequence[Any]) -> bool:
    is_typed = any(isinstance(part, bool | float) for part in parts)
    return len(parts) > 1 and (is_typed or len(set(parts)) < len(parts))
