"""`--where 'learning_rate>1e-4'`: a condition that rows keep or not."""

import operator
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from slimtune.sweeper.reporting.trial_rows import STATE, TrialRow, whole_name
from slimtune.sweeper.study import TrialState
from slimtune.training.config.schema import suggestion
from slimtune.training.errors import UserError

OPTION = "--where"
FORM = re.compile(r"\s*([^<>=!\s]+)\s*(<=|>=|!=|==|=|<|>)\s*(.*?)\s*", re.DOTALL)
ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Condition(NamedTuple):
    """A name, a sign, and what its value is measured by."""

    name: str
    sign: str
    value: str

    def keeps(self, row: TrialRow) -> bool:
        """Whether a row is as wanted; one without a value is not, but for `!=`."""
        found = row.values.get(self.name)
        if self.sign == "!=":
            return not _is_equal(found, self.value)
        if self.sign in ORDERS:
            is_number = isinstance(found, int | float)
            return is_number and ORDERS[self.sign](found, float(self.value))
        return _is_equal(found, self.value)


def read_condition(text: str, known: Sequence[str]) -> Condition:
    """A condition as it was given.

    Args:
        text: Such as `state=complete`.
        known: Names that there are.

    Raises:
        UserError: It has another form, no trial has the name, or an order is asked of what is no number.
    """
    form = FORM.fullmatch(text)
    if form is None:
        raise UserError(
            f"{OPTION} is {text!r}; use a name, one of = != < <= > >=, and a value, e.g. {OPTION} 'learning_rate>1e-4'"
        )
    name, sign, value = whole_name(form[1], known, option=OPTION), form[2], form[3]
    if sign in ORDERS and _number(value) is None:
        raise UserError(f"{OPTION} is {text!r}, and {value!r} is no number; {sign} wants one, = and != take texts")
    states = [state.value for state in TrialState]
    if name == STATE and value not in states:
        raise UserError(f"{OPTION} is {text!r}, and no state is called so; {suggestion(value, states)}")
    return Condition(name, sign, value)


def _is_equal(found: object, wanted: str) -> bool:
    if isinstance(found, bool):
        return wanted.lower() == str(found).lower()
    number = _number(wanted)
    if isinstance(found, int | float) and number is not None:
        # as it is shown, to three digits, or whole
        return found == number or f"{found:.3g}" == f"{number:.3g}" == wanted
    return wanted == ("" if found is None else str(found)) or (found is None and wanted in ("none", "null"))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
