"""Overrides that are not in Hydra's grammar, each with a line that is."""

import re
from collections.abc import Iterator, Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from slimtune.sweeper.config_file import caller
from slimtune.sweeper.hydra_app.foreign_functions import FUNCTIONS, function_repair, method_repair
from slimtune.sweeper.hydra_app.quoted_names import quoted_names_problem
from slimtune.sweeper.space.quoting import for_shell, quoted_override

KEY_AND_VALUE = "use key=value, e.g. fit.epochs=3"
KEY = re.compile(r"[+~]{0,2}[A-Za-z_][\w./@-]*")
DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
UNKNOWN_FUNCTION = re.compile(r"Unknown function '(\w+)'")
# of the parser's messages
SIGN = re.compile(
    r"(?:mismatched input|extraneous input|token recognition error at:|no viable alternative at input) '([^<>']+)'"
)
BROKEN_CALL = re.compile(r"\w+ while evaluating '.*?': (.*)")
BRACKETS = {"[": "]", "{": "}", "(": ")"}


def syntax_problems(arguments: Sequence[str]) -> list[str]:
    """A sentence for each override that cannot be parsed; one for what blanks have parted."""
    return [problem for _, problem in _read(arguments) if problem]


def sound_overrides(arguments: Sequence[str]) -> list[str]:
    """The overrides that can be parsed, without flags."""
    return [word for words, problem in _read(arguments) if not problem for word in words]


def _read(arguments: Sequence[str]) -> Iterator[tuple[Sequence[str], str | None]]:
    """Overrides, each with its words and what is wrong with it."""
    given = [argument for argument in arguments if not argument.startswith("-")]
    while given:
        parted = _parted(given)
        yield (parted, _parted_problem(parted)) if parted else (given[:1], _problem(given[0]))
        given = given[max(len(parted), 1) :]


def _parted(arguments: Sequence[str]) -> Sequence[str]:
    """The words that are one override with blanks in it, or in the form of YAML: `key = 1`, `key =1`, `key: 1`."""
    first, second = [*arguments, "", ""][:2]
    if not KEY.fullmatch(first.rstrip(":=")) or len(arguments) < 2:
        return []
    if second == "=" and len(arguments) > 2:
        return arguments[:3]
    is_value = not ("=" in second or DOTTED.fullmatch(second))
    is_begun = first.endswith(("=", ":")) or DOTTED.fullmatch(first)
    return arguments[:2] if second.startswith("=") or (is_begun and is_value) else []


def _parted_problem(words: Sequence[str]) -> str:
    key, value = words[0].rstrip(":="), words[-1].removeprefix("=")
    return f"{' '.join(words)}: an override is one word, without blanks around its =; write {key}={value}"


def _problem(argument: str) -> str | None:
    key, equals, value = argument.partition("=")
    if equals and not key:
        return f"{argument} has no key before its =; {KEY_AND_VALUE}"
    error = _error(argument)
    if error is None:
        return None
    stripped = f"{key.strip()}={value.strip()}"
    if equals and _error(stripped) is None:
        return f"{argument}: an override is one word, without blanks around its =; write {stripped}"
    if not equals:
        is_file = argument.endswith((".yaml", ".yml"))
        use = f"a config file is given by {caller().with_file(argument)}" if is_file else KEY_AND_VALUE
        return f"{argument} is no override; {use}"
    if told := quoted_names_problem(key, value):
        return f"{argument}: {'; '.join(told)}"
    quoted = quoted_override(key, value)
    if _error(quoted) is not None:
        # a key that cannot be parsed is not mended by quotes
        return f"{argument}: {key} is no key, whose parts have dots between; give a key, = and a value"
    what, repair = _reason(key, value, str(error))
    return f"{argument}: {what}; {repair or f'if it is a text, write {for_shell(quoted)}'}"


def _reason(key: str, value: str, error: str) -> tuple[str, str | None]:
    """What is wrong with a value, and what to write if it is no text."""
    if found := UNKNOWN_FUNCTION.search(error):
        return f"Hydra has no function {found[1]}", function_repair(key, found[1], value)
    if found := BROKEN_CALL.search(error):
        return found[1], f"what is searched is one of {FUNCTIONS}"
    if repair := method_repair(key, value):
        return f"Hydra has no function {value.partition('(')[0]}", repair
    if any(value.count(quote) % 2 for quote in ("'", '"')):
        return "the value has quotes that do not close", None
    if any(value.count(left) != value.count(right) for left, right in BRACKETS.items()):
        return "the value has brackets that do not close", None
    if found := SIGN.match(error):
        return f"the value has {found[1].strip()} in it, which Hydra takes in quotes alone", None
    return error.splitlines()[0], None


def _error(argument: str) -> HydraException | None:
    try:
        OverridesParser.create().parse_override(argument)
    except HydraException as error:
        return error
    return None
