"""What is told of a dimension whose values do not fit its key."""

import re
from collections.abc import Sequence

from slimtune.sweeper.space.dimension import Choice, Dimension, FloatRange, Scalar
from slimtune.sweeper.space.quoting import for_shell, quoted_override
from slimtune.training.config.data import SPLITS
from slimtune.training.config.value_repairs import A_LIST, WHOLE_NUMBER

FILES = tuple(f"data.{key}" for key in SPLITS)
# sections of what no trial depends on, so that nothing there is searched
SETUP = ("search.", "tracking.", "export.", "promotion.", "hydra.")
# a number with a comma between thousands
GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+")

# and one with a comma before its decimals
DECIMALS = re.compile(r"[+-]?0,\d+")


def value_problems(written: str, key: str, dimension: Dimension, problems: Sequence[str]) -> list[str]:
    """Problems of its values, each with the dimension as it was written; one, where the dimension is of another kind.

    Args:
        written: The dimension, as a person wrote it.
        key: What it is of.
        dimension: As it was read.
        problems: Of the config with each of its ends.
    """
    if not problems:
        return []
    if isinstance(dimension, FloatRange) and all(WHOLE_NUMBER in problem for problem in problems):
        return [f"{written}: {key} takes whole numbers alone; {_whole(written, key, dimension)}"]
    if isinstance(dimension, Choice) and all(A_LIST in problem for problem in problems):
        texts = [str(value) for value in dimension.values]
        # those that are lists stay as they are
        several = f"'{key}={','.join(text if text.startswith('[') else f'[{text}]' for text in texts)}'"
        if any(text.startswith("[") for text in texts):
            return [f"{written}: {key} is a list; write {several} to search over several"]
        one = f"'{key}=[{','.join(texts)}]'"
        if key.startswith(SETUP):
            return [f"{written}: {key} is a list; write {one}"]
        return [f"{written}: {key} is a list; write {one} for one list, {several} to search over several"]
    if not isinstance(dimension, Choice):
        # of numbers that all break one rule the first is enough
        problems = list({problem.partition("; ")[2] or problem: problem for problem in reversed(problems)}.values())[
            ::-1
        ]
    return [f"{written}: {problem}{_one_number(written)}" for problem in problems]


def refusals(written: str, key: str, dimension: Dimension, problems: Sequence[str]) -> list[str]:
    """Why a key is not searched, with what may have been meant by a comma; arguments as above."""
    value = written.partition("=")[2]
    if not isinstance(dimension, Choice) or not _is_text_with_commas(value, dimension.values):
        return list(problems)
    meant = f"if the comma is part of one text, write {for_shell(quoted_override(key, value))}"
    if key in FILES:
        meant += f", for files that are read as one '{key}=[{value}]'"
    return [f"{problem}; {meant}" for problem in problems]


def _whole(written: str, key: str, dimension: FloatRange) -> str:
    low, high = int(-(-dimension.low // 1)), int(dimension.high)
    if not written.startswith(f"{key}="):
        return f"write type: int, low: {low}, high: {high}"
    inner = f"int(interval({low},{high}))"
    if dimension.log:
        return f"write '{key}=tag(log,{inner})'"
    return f"write '{key}={inner}', or '{key}=range({low},{high + 1})'"


def _one_number(written: str) -> str:
    value = written.partition("=")[2]
    # nobody begins a whole number with 0
    if DECIMALS.fullmatch(value) is not None and value.partition(",")[2].startswith("0"):
        return f"; for one number write {value.replace(',', '.')}"
    return f"; for one number write {value.replace(',', '')}" if GROUPED.fullmatch(value) else ""


def _is_text_with_commas(value: str, values: Sequence[Scalar]) -> bool:
    """Whether it may have been meant as one text: it is neither quoted nor a function, and has no list."""
    return "," in value and not re.search(r"[\[\](){}'\"]", value) and any(isinstance(one, str) for one in values)
