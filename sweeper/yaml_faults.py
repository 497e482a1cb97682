"""What a person would call a fault of YAML, and the lines in which it stands."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from yaml import MarkedYAMLError

# `key:value`; an address of the web, or a path of Windows, is none
NO_BLANK = re.compile(r"\s*(?:- )?(\w[\w.]*):(?![/\\\s])\S")
KEY = re.compile(r"\s*(?:- +)*[^\s#:]+:(?:\s|$)")
SECOND_COLON = re.compile(r"\s*(?:- )?[^\s:]+: +[^\s\"'\[{#].*?:(?:\s|$)")
OPENED = re.compile(r"\s*(?:- )?[^\s:\"']+: *([\"'])")
NUM_SIGNS = 100


class YamlFault(NamedTuple):
    """What is wrong, and in which line, counted from 1."""

    what: str
    line: int


def yaml_fault(error: MarkedYAMLError, text: str | None = None) -> str:
    """Which line, what is wrong there in plain words, and the lines as they stand.

    Args:
        error: What PyYAML raised, with a mark.
        text: What was read; None reads the file that the mark names, where there is one.
    """
    lines = (_text_of(Path(str(error.problem_mark.name))) if text is None else text).splitlines()
    found = _fault(error, lines)
    shown = "".join(f"\n      {number} | {line}" for number, line in _around(lines, found.line, error))
    return f"line {found.line}: no YAML that can be read: {found.what}{':' if shown else ''}{shown}"


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        # a text, or a file inside of a package: its lines are not shown
        return ""


def _around(lines: Sequence[str], line: int, error: MarkedYAMLError) -> Sequence[tuple[int, str]]:
    """The line of the fault with its neighbour above, and the one that PyYAML stopped at."""
    numbers = sorted({line - 1, line, min(error.problem_mark.line + 1, len(lines))})
    return [
        (number, _shown(lines[number - 1]))
        for number in numbers
        if 0 < number <= len(lines) and lines[number - 1].strip()
    ]


def _shown(line: str) -> str:
    """As it stands; a tab as two signs that are seen."""
    seen = line.rstrip().replace("\t", "\\t")
    return seen if len(seen) <= NUM_SIGNS else f"{seen[:NUM_SIGNS]}..."


def _fault(error: MarkedYAMLError, lines: Sequence[str]) -> YamlFault:
    problem, at = str(error.problem), int(error.problem_mark.line)
    begin = at if error.context_mark is None else int(error.context_mark.line)
    if "\\t" in problem or _has_tab(lines, at):
        return YamlFault("a tab stands where blanks belong", at + 1)
    if "'${" in problem or "got '{'" in problem:
        return YamlFault(f"{problem}; a value such as ${{fit.epochs}} takes quotes inside of braces", at + 1)
    if "quoted scalar" in str(error.context):
        return _of_quotes(problem, begin, at)
    if "flow" in str(error.context):
        what = "a bracket that is opened here is not closed, or a comma is missing in it"
        return YamlFault(what, begin + 1)
    if "cannot start any token" in problem:
        sign = problem.partition("'")[2].partition("'")[0]
        return YamlFault(f"a value cannot begin with {sign}; put it into quotes", at + 1)
    if "undefined alias" in problem or "for the tag" in problem:
        return YamlFault("a value that begins with * or ! takes quotes", at + 1)
    if "mapping values" in problem or "expected" in problem or "sequence entries" in problem:
        return _of_structure(lines, at, begin, problem)
    return YamlFault(problem, at + 1)


def _has_tab(lines: Sequence[str], at: int) -> bool:
    return at < len(lines) and "\t" in lines[at][: len(lines[at]) - len(lines[at].lstrip())]


def _of_quotes(problem: str, begin: int, at: int) -> YamlFault:
    if "escape" in problem:
        what = "a backslash in double quotes begins a sign of its own; write two of them, or single quotes"
        return YamlFault(what, at + 1)
    return YamlFault("a quote that is opened here is not closed", begin + 1)


def _of_structure(lines: Sequence[str], at: int, begin: int, problem: str) -> YamlFault:
    """Keys, values and items that do not stand as those around them do."""
    near = [number for number in dict.fromkeys((at, begin, _above(lines, at))) if 0 <= number < len(lines)]
    if "<scalar>" in problem and (opened := _unclosed(lines, at, begin)) is not None:
        return opened
    # of a mapping that ends too early, its begin says nothing
    for number in near if "expected '<" not in problem and "<block end>" not in problem else near[:1]:
        if found := NO_BLANK.match(lines[number]):
            return YamlFault(f"a blank is missing after the colon of '{found[1]}:'", number + 1)
    if at < len(lines) and "mapping values" in problem and SECOND_COLON.match(lines[at]):
        return YamlFault("a second colon stands in the line; put the value into quotes", at + 1)
    if "could not find expected ':'" in problem:
        return YamlFault("a key without a colon, or a text over several lines without quotes", begin + 1)
    if at < len(lines) and lines[at].lstrip().startswith("- "):
        return YamlFault("an item of a list ('- ') stands among keys with values; indent it below its own key", at + 1)
    if at < len(lines) and KEY.match(lines[at]):
        return YamlFault(_indented(lines, at), at + 1)
    return YamlFault(f"what stands here belongs to no key ({problem})", at + 1)


def _unclosed(lines: Sequence[str], at: int, begin: int) -> YamlFault | None:
    """The nearest value above, or here, that begins with a quote and has one that is not closed."""
    for number in range(min(at, len(lines) - 1), begin - 1, -1):
        found = OPENED.match(lines[number])
        if found is not None and (count := lines[number].count(found[1])) % 2:
            own = f"a text has its own quote {found[1]} in it; put the text into quotes of the other kind"
            return YamlFault(own if count > 1 else "a quote that is opened here is not closed", number + 1)
    if at < len(lines) and OPENED.match(lines[at]):
        return YamlFault("something stands behind a quote that is closed; put all of the value into quotes", at + 1)
    return None


def _above(lines: Sequence[str], at: int) -> int:
    """The last line above that holds something; -1 without one."""
    full = (number for number in range(min(at, len(lines)) - 1, -1, -1) if _holds(lines[number]))
    return next(full, -1)


def _holds(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _indented(lines: Sequence[str], at: int) -> str:
    """How many blanks the line has, and how many its neighbour has."""
    above = _above(lines, at)
    blanks, others = _blanks(lines[at]), _blanks(lines[above]) if above >= 0 else 0
    if blanks == others:
        return "a key with a value stands among items of a list ('- '); indent it below its own key"
    return (
        f"the indentation differs from its neighbours': {blanks} blanks here, and {others} in the line above; keys of "
        "one section have the same"
    )


def _blanks(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
