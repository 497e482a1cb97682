"""Which known name is so near to another one that it may be meant by it."""

import difflib
from collections.abc import Iterable

# of the longer name, the share of its letters that may be wrong
WRONG_LETTERS = 1 / 3
# shorter words say little: `max`, `num`, `lr`
LEAST_WORD = 4


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """The known name that is nearest, if any is near: few letters are wrong, or half of its words are the same."""
    asked = plain_name(name)
    near = [one for one in known if is_near(asked, plain_name(one))]
    return max(near, key=lambda one: _alikeness(asked, plain_name(one)), default=None)


def is_near(name: str, other: str) -> bool:
    """Whether one may be meant by the other."""
    longest = max(len(name), len(other))
    if min(len(name), len(other)) >= LEAST_WORD and (name.startswith(other) or other.startswith(name)):
        return True
    return _edits(name, other) <= int(longest * WRONG_LETTERS) or _shares_words(name, other)


def plain_name(name: str) -> str:
    """The name with what makes no other one of it written alike: capitals, and the sign between its words."""
    return name.casefold().replace("-", "_")


def _shares_words(name: str, other: str) -> bool:
    words, others = name.split("_"), other.split("_")
    shared = set(words) & set(others)
    return any(len(word) >= LEAST_WORD for word in shared) and 2 * len(shared) >= max(len(words), len(others))


def _alikeness(name: str, other: str) -> float:
    return difflib.SequenceMatcher(None, name, other).ratio()


def _edits(name: str, other: str) -> int:
    """Letters that are to be changed, put in, taken out, or exchanged with the next one."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for at, letter in enumerate(name, start=1):
        new = [at]
        for to, wanted in enumerate(other, start=1):
            cost = min(row[to] + 1, new[-1] + 1, row[to - 1] + (letter != wanted))
            is_turned = at > 1 and to > 1 and letter == other[to - 2] and wanted == name[at - 2]
            new.append(min(cost, before[to - 2] + 1) if is_turned else cost)
        before, row = row, new
    return row[-1]
