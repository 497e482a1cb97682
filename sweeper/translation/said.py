"""What a key of another tool's config says here."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from slimtune.training.config.other_names import OTHER_KEYS
from slimtune.training.errors import UserError
from slimtune.training.listed_names import with_commas

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one key says.

    Attributes:
        choices: Options of config groups.
        values: Values of keys.
        told: What a person should know, or do instead; None where nothing is lost.
        anyway: How it is so here without a word, where it says neither choices nor values.
    """

    choices: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    told: str | None = None
    anyway: str | None = None


PREFERENCES = (
    "preferences and rewards are not learned here; write the preferred answers as rows and train on those "
    "(stage: sft there, task=generation here)"
)
NOTHING: tuple[Any, ...] = (None, False, 0, "", [], {})
# of a key's value, and of the whole config, which other keys may change it by
Rule = Callable[[Any, Values], Said]


def key(name: str, read: Callable[[Any], Any] = lambda value: value) -> Rule:
    """A key of ours with the same meaning."""
    return lambda value, _: Said(values={name: read(value)})


def same_key(*names: str, read: Callable[[Any], Any] = lambda value: value) -> dict[str, Rule]:
    """Keys of theirs that hints know by their names too, with the same meaning."""
    return {name: key(OTHER_KEYS[name], read) for name in names}


def option(group: str, options: Mapping[str, str]) -> Rule:
    """An option of a config group."""

    def rule(value: Any, _: Values) -> Said:
        found = options.get(str(value).lower())
        if found is None:
            return Said(
                told=f"no option of {group} is like it; known here: {', '.join(dict.fromkeys(options.values()))}"
            )
        return Said(choices={group: found})

    return rule


def one_of(name: str, words: Mapping[str, Any]) -> Rule:
    """A key of ours whose words are others."""

    def rule(value: Any, _: Values) -> Said:
        word = str(value).lower()
        if word not in words:
            known = with_commas(sorted(map(str, words)))
            return Said(told=f"{value} is no value of {name}, which knows {known}; left as it is")
        return Said(values={name: words[word]})

    return rule


def flag(name: str, value: Any = True) -> Rule:
    """A key of ours that is set where theirs is true."""
    return lambda given, _: Said(values={name: value}) if given else Said()


def preference(name: str, words: Collection[str] = (), *, otherwise: Rule = lambda *_: Said()) -> Rule:
    """A key of theirs that asks for learning by preference or reward, which is refused: the file would learn another
    thing.

    Args:
        name: The key.
        words: Values that ask for it; by default all but those that say nothing.
        otherwise: Of other values.
    """

    def rule(value: Any, values: Values) -> Said:
        asks = str(value).lower() in words if words else not is_off(value)
        if asks:
            raise UserError(f"{name} is {value}; {PREFERENCES}; nothing is written")
        return otherwise(value, values)

    return rule


def advice(sentence: str) -> Rule:
    """Nothing here is like it; false, zero and nothing need no word."""
    return lambda value, _: Said(told=sentence) if value not in NOTHING else Said()


def anyway(sentence: str, *, unless: Callable[[Any], bool] = lambda _: False, told: str = "") -> Rule:
    """What is so here anyway, or changes no result.

    Args:
        sentence: How it is here.
        unless: Whether a value asks for something else.
        told: What is told of such a value.
    """
    return lambda value, _: Said(told=told) if unless(value) else Said(anyway=sentence)


def is_off(value: Any) -> bool:
    """Whether a value switches off what is always on here."""
    return value in NOTHING or str(value).lower() in ("no", "none", "disabled", "false")
