"""Which key of a config somebody meant who wrote another."""

import difflib
from collections.abc import Iterable, Iterator

from slimtune.training.config.near_names import nearest_name
from slimtune.training.config.other_names import key_called_otherwise

# share of the spelling of whole keys, whose groups are alike, that are taken for each other
WHOLE = 0.8


def as_levels(key: str, value: str) -> str:
    """The key as a file has it, in YAML on one line: `fit: {epochs: 3}`."""
    *above, last = key.split(".")
    return "".join(f"{part}: {{" for part in above) + f"{last}: {value}" + "}" * len(above)


def key_suggestion(key: str, known: Iterable[str]) -> str:
    """`did you mean 'fit.epochs'?`, or what there is in the key's group, or the names of the groups."""
    # the path of a file, in the place of a key
    key = key.replace("/", ".")
    inner = sorted(one for one in known if "." in one)
    own = _of_group(key.rpartition(".")[0], inner)
    if meant := meant_keys(key, inner):
        return f"did you mean {' or '.join(map(repr, meant))}?"
    if own:
        # what is inside of them is told when they are asked for
        depth = key.count(".")
        return f"known: {', '.join([one for one in own if one.count('.') == depth] or own)}"
    return f"the groups are {', '.join(_groups(inner))} (slimtune sweep --cfg job shows all keys)"


def meant_keys(key: str, known: Iterable[str]) -> list[str]:
    """The known keys, or the group, that somebody may mean by a key; none if nothing is like it."""
    inner = sorted(one for one in known if "." in one)
    own = _of_group(key.rpartition(".")[0], inner)
    return next(filter(None, _meant(key, own, _groups(inner), inner)), [])


def _groups(keys: Iterable[str]) -> list[str]:
    return sorted({one.partition(".")[0] for one in keys})


def _meant(key: str, own: list[str], groups: list[str], known: list[str]) -> Iterator[list[str]]:
    """From the likeliest on: a group, in the own group, the same name in another one, and what is spelled alike."""
    name = _last(key)
    yield difflib.get_close_matches(key, groups, n=1, cutoff=WHOLE) if "." not in key else []
    yield [key] if key in known else []
    # a group stands at the top
    yield key_called_otherwise(name, known if "." in key else [*known, *groups])
    yield _named_like(name, own)
    yield _alike(name, own)
    yield difflib.get_close_matches(key, known, n=1, cutoff=WHOLE) if "." in key and not own else []
    yield _shortest([one for one in known if _last(one) == name])
    yield [] if own else _named_like(name, known)
    yield [] if own else _alike(name, known)


def _named_like(name: str, keys: list[str]) -> list[str]:
    """`lr` stands for `learning_rate`, `rank` for `r`; and `name` is a word of `name_or_path`."""
    words = {key: _last(key).split("_") for key in keys}
    initials = {key: "".join(word[:1] for word in parts) for key, parts in words.items()}
    short = [key for key in keys if name == initials[key] != _last(key) or _last(key) == name[:1] != name]
    return short[:1] or [key for key, parts in words.items() if len(parts) > 1 and name in parts]


def _alike(name: str, keys: list[str]) -> list[str]:
    by_name = {_last(key): key for key in keys}
    nearest = nearest_name(name, by_name)
    return [] if nearest is None else [by_name[nearest]]


def _shortest(keys: list[str]) -> list[str]:
    """Without those of a group inside of which all keys stand again, as in `space`."""
    return [key for key in keys if not any(key.endswith(f".{other}") for other in keys)]


def _of_group(group: str, keys: list[str]) -> list[str]:
    return [key for key in keys if group and key.startswith(f"{group}.")]


def _last(key: str) -> str:
    return key.rpartition(".")[2]
