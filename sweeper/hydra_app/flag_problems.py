"""Hydra's flags among the arguments, and others: mostly overrides in the form of other tools, `--fit.epochs 3`."""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import NoReturn

from slimtune.sweeper.config_file import FLAG
from slimtune.sweeper.config_values import CHOICES
from slimtune.sweeper.hydra_parser import hydra_parser
from slimtune.sweeper.search_config import SearchConfig
from slimtune.training.config.data import DataConfig
from slimtune.training.config.dotted_keys import key_suggestion, meant_keys
from slimtune.training.config.fit import FitConfig
from slimtune.training.config.model import ModelConfig
from slimtune.training.config.near_names import nearest_name, plain_name
from slimtune.training.config.other_names import OTHER_KEYS
from slimtune.training.config.schema import suggestion
from slimtune.training.config.tracking import TrackingConfig

SECTIONS: Mapping[str, Iterable[type]] = {
    **{path: kinds.values() for path, kinds in CHOICES.items()},
    "data": [DataConfig],
    "model": [ModelConfig],
    "fit": [FitConfig],
    "search": [SearchConfig],
    "tracking": [TrackingConfig],
}
# before any config is composed; that every section has a name tells nothing of what is meant
KEYS = sorted(
    {
        f"{path}.{item.name}"
        for path, kinds in SECTIONS.items()
        for kind in kinds
        for item in fields(kind)
        if item.name != "name"
    }
)
# groups that are no section with keys of their own
GROUPS = ("experiment", "preset", "promotion", "export", "space", "search/sampler", "search/pruner", "hydra/launcher")
# sections with keys that are not all known beforehand
OPEN_SECTIONS = ("hydra", "space", "export", "promotion", "task", "search")
# words of flags that other tools have for a look before anything is run
TRIED = {"dry", "dryrun", "check", "validate", "preview", "simulate", "test_run"}
CHECK = "slimtune check, with the same arguments, tries what a sweep or a trial needs, and trains nothing"
# commands that people take for flags
COMMANDS = ("resume", "stop", "status", "report", "compare")
RERUN = (
    "--experimental-rerun unpickles a file, which may run any code; a sweep goes on by slimtune resume, and the same "
    "command makes the same trials"
)
SHOWN = "slimtune sweep --help shows the flags, slimtune sweep --cfg job --resolve all keys"


def flag_problems(arguments: Sequence[str], *, sweep: bool) -> list[str]:
    """A sentence for each flag that is not known, or means nothing here, and for a folder of configs that is none.

    Of flags whose values cannot be read the first one alone is told: nothing is known of what stands behind it.
    """
    known = [FLAG, *(name for action in hydra_parser()._actions for name in action.option_strings)]
    if (wrong := _wrong_value(arguments)) is not None:
        return [wrong]
    unknown = [word for word in hydra_parser().parse_known_args(list(arguments))[1] if word.startswith("-")]
    problems = [_problem(word, arguments, known) for word in unknown]
    problems += _wrong_flags(_parsed(arguments), sweep=sweep)
    folder = None if problems else config_dir(arguments)
    if folder is not None and not Path(folder).is_dir():
        problems.append(
            f"--config-dir is {folder}, which is no folder; name one that holds experiment/ or other groups"
        )
    return problems


def _wrong_flags(parsed: argparse.Namespace, *, sweep: bool) -> list[str]:
    """What is wrong with flags that Hydra has: it would raise, or leave them unread."""
    problems = []
    if sweep and parsed.run:
        problems.append("--run is no flag of slimtune; one trial is run by slimtune train")
    elif parsed.run and parsed.multirun:
        problems.append("--run is one trial and --multirun a search; give one of them")
    if parsed.shell_completion:
        problems.append(
            "--shell-completion is of Hydra's apps; slimtune completion bash, zsh or fish completes slimtune"
        )
    if parsed.experimental_rerun is not None:
        problems.append(RERUN)
    if parsed.cfg and parsed.info:
        problems.append("--cfg shows the config and --info what is known of it; give one of them")
    if not (parsed.cfg or parsed.help):
        shown = {"--resolve": parsed.resolve, "--package": parsed.package is not None}
        problems += [
            f"{name} is of a config that is shown; add --cfg job" for name, is_given in shown.items() if is_given
        ]
    return problems


def _wrong_value(arguments: Sequence[str]) -> str | None:
    """What is wrong with the value of a flag."""
    parser = hydra_parser()
    # argparse would print how Hydra is used, and exit
    parser.exit_on_error = False
    setattr(parser, "error", _raise)  # noqa: B010  # a method of this one parser
    try:
        parser.parse_known_args(list(arguments))
    except argparse.ArgumentError as error:
        action = next(one for one in parser._actions if "/".join(one.option_strings) == error.argument_name)
        name = action.option_strings[0]
        words = list(map(str, action.choices or ()))
        given = next((one for one in arguments if _is_value_of(one, arguments, action.option_strings)), None)
        if given is None or not words:
            example = " or ".join(words) or "..."
            return f"{name} takes no value" if action.nargs == 0 else f"{name} lacks its value; write {name} {example}"
        value = given.partition("=")[2] if given.startswith("-") else given
        return f"{name} is '{value}'; {suggestion(value, words)}"
    return None


def _raise(message: str) -> NoReturn:
    raise argparse.ArgumentError(None, message)


def _is_value_of(word: str, arguments: Sequence[str], flags: Sequence[str]) -> bool:
    """Whether a word has the value of a flag: the one behind it, or the flag itself with `=`."""
    if word.startswith("-"):
        return word.partition("=")[0] in flags and "=" in word
    place = list(arguments).index(word)
    return place > 0 and arguments[place - 1] in flags


def settled_flags(arguments: Sequence[str]) -> list[str]:
    """The arguments with a bare `--info` as Hydra means it, whatever word comes next, and without flags of a run where
    the config is only shown.
    """
    flags, words = hydra_parser(), list(arguments)
    kinds = next(action for action in flags._actions if "--info" in action.option_strings)
    for place, word in enumerate(words):
        if word in kinds.option_strings and (words[place + 1 : place + 2] or [""])[0] not in (kinds.choices or ()):
            words[place] = f"--info={kinds.const}"
    if not only_shows(words):
        return words
    runs = {name for action in flags._actions if action.dest in ("multirun", "run") for name in action.option_strings}
    return [word for word in words if word not in runs]


def only_shows(arguments: Sequence[str]) -> bool:
    """Whether a flag asks for the config, or for what is known of it, and for no run."""
    flags = _parsed(arguments)
    return bool(flags.cfg or flags.info or flags.help or flags.hydra_help)


def asks_hydra(arguments: Sequence[str]) -> bool:
    """Whether Hydra is to read the flags itself: they show something, or name another config than ours."""
    flags = _parsed(arguments)
    return only_shows(arguments) or flags.config_path is not None or flags.config_name is not None


def is_multirun(arguments: Sequence[str]) -> bool:
    """Whether Hydra's flag for it is there."""
    return bool(_parsed(arguments).multirun)


def config_dir(arguments: Sequence[str]) -> str | None:
    """The folder of configs that a flag adds."""
    folder: str | None = _parsed(arguments).config_dir
    return folder


def overrides_of(arguments: Sequence[str]) -> list[str]:
    """The arguments that are neither flags nor values of flags."""
    return list(_parsed(arguments).overrides) if any(word.startswith("-") for word in arguments) else list(arguments)


def flags_first(arguments: Sequence[str]) -> list[str]:
    """The arguments in an order that Hydra reads: overrides on both sides of a flag are an error to it."""
    overrides = overrides_of(arguments)
    flags = list(arguments)
    for word in overrides:
        flags.remove(word)
    return [*flags, *overrides]


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    found, unknown = hydra_parser().parse_known_args(list(arguments))
    found.overrides = [*found.overrides, *(word for word in unknown if not word.startswith("-"))]
    return found


def _is_key(word: str) -> bool:
    """Whether a flag is called as a key or a group is."""
    bare = word.partition("=")[0].lstrip("-")
    return bare in GROUPS or _is_called_so(plain_name(bare), _meant(bare))


def _problem(word: str, arguments: Sequence[str], known: Sequence[str]) -> str:
    name, equals, value = word.partition("=")
    bare = name.lstrip("-")
    meant = _meant(bare)
    plain = plain_name(bare)
    if TRIED & {plain, *plain.split("_")} and not _is_key(word):
        return f"{word} is no flag; {CHECK}"
    if plain in COMMANDS:
        return f"{word} is no flag; slimtune {plain} is a command of its own"
    near = nearest_name(bare, [one.lstrip("-") for one in known if one.startswith("--")])
    if near and "." not in name and not _is_key(word):
        return f"{word} is no flag; did you mean --{near}?"
    if not meant:
        return f"{word} is no flag, and no key is called so; {key_suggestion(bare, KEYS) if '.' in bare else SHOWN}"
    following = [*arguments, ""][list(arguments).index(word) + 1]
    value = value if equals or following.startswith("-") or "=" in following else following
    told = " or ".join(f"{key}={value or '...'}" for key in meant)
    return f"{word} is no flag; a value is set without dashes, {told}"


def _meant(name: str) -> list[str]:
    """The key, the group, or the keys that may be meant by the name of a flag; none if nothing is called so."""
    if name in GROUPS or (name.partition(".")[0] in OPEN_SECTIONS and "." in name):
        return [name]
    plain = plain_name(name)
    found = meant_keys(plain, KEYS)
    # one letter says little
    return found if len(plain) > 1 or _is_called_so(plain, found) else []


def _is_called_so(name: str, keys: Sequence[str]) -> bool:
    """Whether it is the very name of a key, here or in another tool."""
    return any(key.rpartition(".")[2] == name or key == OTHER_KEYS.get(name) for key in keys)
