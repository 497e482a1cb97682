"""From plain config values to typed sections, with every problem found at once."""

import copy
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Generic, NamedTuple, TypeVar

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from slimtune.training.config.dotted_keys import key_suggestion
from slimtune.training.config.near_names import nearest_name
from slimtune.training.config.other_names import called_otherwise, other_name
from slimtune.training.config.value_repairs import container_repair, value_repair

SectionT = TypeVar("SectionT")


# of whole numbers: what libraries count by has 64 bits, and is added to and multiplied before
LARGEST = 2**53


@dataclass(frozen=True, slots=True)
class Rule:
    """What a value must satisfy beyond its type; None is never checked.

    Attributes:
        text: The rule as a repair, e.g. ``use a share in [0, 1), e.g. 0.15``.
        holds: Whether a value satisfies it.
    """

    text: str
    holds: Callable[[Any], bool]


class Parsed(NamedTuple, Generic[SectionT]):
    """A section and what is wrong with it.

    Attributes:
        found: The section; None if anything is wrong.
        problems: What is wrong, each with its key.
    """

    found: SectionT | None
    problems: list[str]

    @property
    def section(self) -> SectionT:
        """The section of values that have no problems: look at those first."""
        assert self.found is not None, self.problems
        return self.found


def above_zero(example: object) -> dict[str, Rule]:
    """Metadata of a field that must be > 0."""
    return {"rule": Rule(f"use a number above 0, e.g. {example}", lambda value: 0 < value < math.inf)}


def not_negative(example: object) -> dict[str, Rule]:
    """Metadata of a field that must be >= 0."""
    return {"rule": Rule(f"use a number of at least 0, e.g. {example}", lambda value: 0 <= value < math.inf)}


def seed() -> dict[str, Rule]:
    """Metadata of a field that random numbers are drawn by: NumPy and scikit-learn take 32 bits."""
    return {"rule": Rule("use a whole number from 0 to 4294967295, e.g. 0", lambda value: 0 <= value < 2**32)}


def share(example: object) -> dict[str, Rule]:
    """Metadata of a field that must lie in [0, 1)."""
    return {"rule": Rule(f"use a share in [0, 1), e.g. {example}", lambda value: 0 <= value < 1)}


def suggestion(word: str, known: Iterable[str]) -> str:
    """`did you mean 'x'?`, or the list of all known words."""
    known = sorted(known)
    if any("." in one for one in known):
        return key_suggestion(word, known)
    best = nearest_name(word, known)
    return f"did you mean '{best}'?" if best else f"known: {', '.join(known)}"


def option_suggestion(word: str, known: Iterable[str]) -> str:
    """`did you mean 'x'? known: x, y`, also for a name that only others use."""
    known = sorted(one for one in known if not one.startswith("_"))
    near = nearest_name(word, known)
    meant = called_otherwise(word, known) or ([near] if near else [])
    asked = f"did you mean {' or '.join(map(repr, meant))}? " if meant else ""
    return f"{asked}known: {', '.join(known)}"


# what people call keys, and what they mean by them
CALLED = {"rank": "r"}
MEANT = {"r": "rank"}


def key_of_another(name: str, chosen: Sequence[str], choices: Mapping[str, type], prefix: str) -> str | None:
    """What to choose for a key that the chosen section lacks and another one has, or what the chosen one calls it; None
    if none has it.

    Args:
        name: The key's last part.
        chosen: Names of the sections that are chosen.
        choices: Types of sections by name.
        prefix: The sections' path.
    """
    name, group = CALLED.get(name, name), prefix.replace(".", "/")
    others = [one for one, kind in choices.items() if name in {item.name for item in fields(kind)}]
    if not others:
        return None
    if set(chosen) & set(others):
        # they call it otherwise
        return f"did you mean '{prefix}.{name}'?"
    verb = "has" if len(chosen) == 1 else "have"
    own = " and ".join(f"{group}={one}" for one in chosen)
    return f"{own} {verb} no {MEANT.get(name, name)}: use {' or '.join(f'{group}={one}' for one in others)}"


def parse_section(
    section_type: type[SectionT], values: object, prefix: str, *, choices: Mapping[str, type] | None = None
) -> Parsed[SectionT]:
    """Build `section_type` from plain values.

    Args:
        section_type: A dataclass whose fields may carry a `Rule` in their metadata.
        values: The mapping under `prefix` in the composed config.
        prefix: The section's path, used in messages.
        choices: Types of sections that may stand there, by name.
    """
    # most sections of a search are those of the trial before; the text tells 1 from 1.0 and from True
    key = (section_type, prefix, repr(values))
    if key not in _parsed:
        if len(_parsed) >= MAX_PARSED:
            _parsed.clear()
        _parsed[key] = _parse(section_type, values, prefix, choices or {})
    found, problems = _parsed[key]
    return Parsed(copy.copy(found), list(problems))


def with_stand_ins(values: object, stand_ins: Mapping[str, Any]) -> object:
    """The values of a section with others for some of its keys."""
    if not isinstance(values, Mapping):
        return values
    return {**values, **{key: value for key, value in stand_ins.items() if key in values}}


def parse_choice(values: Any, choices: Mapping[str, type], prefix: str) -> Parsed[Any]:
    """Build the section that the key `name` chooses.

    Args:
        values: The mapping under `prefix`.
        choices: Types of sections by name.
        prefix: The section's path, which is also that of its config group.
    """
    group = prefix.replace(".", "/")
    if not isinstance(values, Mapping):
        repair = f"choose with {group}={values}" if str(values) in choices else _chosen(str(values), choices, group)
        return Parsed(None, [f"{prefix} is {values!r:.60}; {repair}"])
    name: Any = values.get("name")
    if not isinstance(name, str) or name not in choices:
        return Parsed(None, [f"{prefix} is {name!r:.60}; {_chosen(str(name), choices, group)}"])
    return parse_section(choices[name], values, prefix, choices=choices)


def _chosen(word: str, choices: Mapping[str, type], group: str) -> str:
    return f"{option_suggestion(word, choices)} (choose with {group}=...)"


MAX_PARSED = 256
_parsed: dict[tuple[type, str, str], Parsed[Any]] = {}


def _parse(section_type: type[Any], values: object, prefix: str, choices: Mapping[str, type]) -> Parsed[Any]:
    if not isinstance(values, Mapping):
        group = prefix.replace(".", "/")
        return Parsed(None, [f"{prefix} is {values!r}; choose an option with {group}=..., or set keys of it"])
    node = OmegaConf.structured(section_type)
    section_fields: Any = section_type
    known = [field.name for field in fields(section_fields)]
    problems = []
    for key in (key for key in values if key not in known):
        meant = other_name(str(key))
        own = meant.removeprefix(f"{prefix}.")
        other = key_of_another(own, [str(values.get("name"))], choices, prefix)
        if other is None and own != str(key) and (own in known or own == meant):
            other = f"did you mean '{meant}'?"
        problems.append(f"{prefix}.{key} is not a key; {other or suggestion(str(key), known)}")
    for name in known:
        problems += _assign(node, values, name=name, prefix=prefix)
    if problems:
        return Parsed(None, problems)
    section: Any = OmegaConf.to_object(node)
    problems = [f"{prefix}.{text}" for text in _broken_rules(section)]
    return Parsed(None if problems else section, problems)


def _assign(node: Any, values: Mapping[str, Any], *, name: str, prefix: str) -> list[str]:
    if name not in values or values[name] == "???":
        return [f"{prefix}.{name} is missing; set it, e.g. {prefix}.{name}=..."]
    key, value = f"{prefix}.{name}", values[name]
    child = node._get_node(name)
    if repair := container_repair(child, key, value):
        return [f"{key} is {value!r}; {repair}"]
    if isinstance(value, str) and not value.strip():
        none = "write null for none, or leave the key out" if child._metadata.optional else "say what it is"
        return [f"{key} is an empty text; {none}"]
    try:
        OmegaConf.update(node, name, value, force_add=False)
    except OmegaConfBaseException as error:
        kind = child._metadata.ref_type
        return [f"{key} is {value!r}; {value_repair(key, value, str(error).splitlines()[0], field_type=kind)}"]
    return _truth_problems(node, value, key)


def _truth_problems(node: Any, value: Any, key: str) -> list[str]:
    """Any number would be taken for true."""
    is_taken = isinstance(value, int | float) and isinstance(OmegaConf.select(node, key.rpartition(".")[2]), bool)
    return [f"{key} is {value!r}; use true or false"] if is_taken and value not in (0, 1) else []


def _shown(value: Any) -> str:
    """A value as a person writes it: 0, and not 0.0."""
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) <= LARGEST
    return repr(int(value) if is_whole else value)


def _broken_rules(section: Any) -> list[str]:
    broken = []
    for field in fields(section):
        rule = field.metadata.get("rule")
        value = getattr(section, field.name)
        if rule is not None and value is not None and not rule.holds(value):
            broken.append(f"{field.name} is {_shown(value)}; {rule.text}")
        elif isinstance(value, int) and abs(value) > LARGEST:
            broken.append(f"{field.name} is {value}; use a number of at most {LARGEST}")
    return broken
