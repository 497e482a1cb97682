"""Names in braces with quotes around them, which Hydra's grammar does not take."""

import re

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from slimtune.sweeper.config_file import caller
from slimtune.sweeper.space.override_text import name_in_braces
from slimtune.sweeper.space.quoting import for_shell

QUOTED = re.compile(r"""(?P<sign>['"])(?P<text>(?:\\.|(?!(?P=sign)).)*)(?P=sign)""")
BEFORE_NAME = re.compile(r"[{,]\s*$")
AFTER_NAME = re.compile(r"\s*:")


def quoted_names_problem(key: str, value: str) -> tuple[str, str] | None:
    """What is wrong with a value that has such names, and what to write; None of one that has none.

    Args:
        key: Of the override.
        value: After its `=`; braces may be within lists, other braces and choices.
    """
    names: list[str] = []
    parts, end = [], 0
    for found in QUOTED.finditer(value):
        is_name = BEFORE_NAME.search(value[: found.start()]) and AFTER_NAME.match(value, found.end())
        text = re.sub(r"\\(.)", r"\1", found["text"])
        names += [text] if is_name else []
        parts += [value[end : found.start()], name_in_braces(text) if is_name else found[0]]
        end = found.end()
    line = f"{key}={''.join(parts)}{value[end:]}"
    if not names:
        return None
    rule = "Hydra takes no quotes around the names in braces"
    if other := [name for name in names if not _is_taken(name)]:
        return f"{rule}, and {other[0]!r} is no text to it without them", _in_a_file(key)
    return (rule, f"write {for_shell(line)}") if _parsed(line) is not None else None


def _is_taken(name: str) -> bool:
    """Whether Hydra reads a name without quotes as this text; a whole number counts, which it reads as one."""
    parsed = _parsed(f"key={{{name_in_braces(name)}: 1}}")
    return isinstance(parsed, dict) and [str(one) for one in parsed] == [name]


def _parsed(line: str) -> object:
    try:
        return OverridesParser.create().parse_override(line).value()
    except HydraException:
        return None


def _in_a_file(key: str) -> str:
    return f"set {key.lstrip('+')} in a file of your own, and give {caller().with_file('mine.yaml')}"
