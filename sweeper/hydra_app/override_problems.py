"""What is said when overrides do not compose."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import hydra
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.config_loader import ConfigLoader
from hydra.core.config_search_path import ConfigSearchPath, SearchPathQuery
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from slimtune.sweeper.checks import problems_of
from slimtune.sweeper.config_values import (
    CONFIG_MODULE,
    CONFIG_NAME,
    SECTIONS,
    key_repair,
    known_keys,
    plain,
)
from slimtune.sweeper.hydra_app.file_problems import composing_problem, yaml_problem
from slimtune.sweeper.hydra_app.flag_problems import config_dir, overrides_of
from slimtune.sweeper.hydra_app.hydra_keys import OWN, hydra_key_problems, section_problems
from slimtune.sweeper.hydra_app.kind_problems import kind_problems
from slimtune.sweeper.hydra_app.option_problems import option_problems
from slimtune.sweeper.hydra_app.space_problems import space_problems
from slimtune.sweeper.hydra_app.syntax_problems import sound_overrides, syntax_problems
from slimtune.sweeper.interpolations import interpolation_problems
from slimtune.sweeper.search.launchers.plugins import PACKAGES
from slimtune.sweeper.space.dimension import Space, edges
from slimtune.sweeper.space.override_text import override
from slimtune.sweeper.space.sweep_syntax import part_arguments, with_options
from slimtune.training.extras import missing

SEARCH_PATH = "hydra.searchpath"
# a choice of many values, and what is said of one that nobody gave
EXPERIMENT, MISSING = "experiment", " is missing; set it"


class OverrideProblems(NamedTuple):
    """What is wrong with overrides.

    Attributes:
        problems: One sentence a problem.
        values: The config with the overrides that compose.
        unsure: Its sections that are not what was meant.
    """

    problems: Sequence[str]
    values: Mapping[str, Any] = {}
    unsure: Collection[str] = ()


def override_problems(error: Exception, arguments: Sequence[str], *, sweep: bool = True) -> OverrideProblems:
    """Every problem of the overrides, not only the one that Hydra stumbled over.

    Args:
        error: What Hydra raised.
        arguments: Overrides and Hydra's own flags.
        sweep: Whether keys may be searched.
    """
    GlobalHydra.instance().clear()
    if problems := _missing_launcher(error):
        return OverrideProblems(problems)
    broken = syntax_problems(overrides_of(arguments))
    sound = sound_overrides(overrides_of(arguments))
    searched: list[str] = []
    try:
        overrides = OverridesParser.create().parse_overrides(sound)
        searched = [] if sweep else _searched(overrides)
        Hydra.create_main_hydra2("slimtune", _search_path(arguments, overrides))
        found = _problems_of_each(overrides)
    except (YAMLError, UnicodeDecodeError) as fault:
        found = OverrideProblems([yaml_problem(fault)])
    except (HydraException, OmegaConfBaseException, ArithmeticError, TypeError, ValueError):
        found = OverrideProblems([])
    finally:
        GlobalHydra.instance().clear()
    if broken:
        # what they were to set is missing
        keys = tuple(f"{item.partition('=')[0]} " for item in arguments if item not in sound)
        found = OverrideProblems([one for one in found.problems if not one.startswith(keys)])
    if broken or searched:
        return found._replace(problems=[*broken, *searched, *found.problems])
    return found if found.problems else OverrideProblems([composing_problem(error)])


def _searched(overrides: Sequence[Override]) -> list[str]:
    return [
        f"{one.input_line} is a search, and here one config is asked for; give one value, or use slimtune sweep"
        for one in overrides
        if one.is_sweep_override()
    ]


def _search_path(arguments: Sequence[str], overrides: Sequence[Override]) -> ConfigSearchPath:
    """With the folders that a flag or an override adds, whose options are known as well."""
    path = create_config_search_path(f"pkg://{CONFIG_MODULE}")
    own = config_dir(arguments)
    folders = [] if own is None else [f"file://{Path(own).absolute()}"]
    for item in overrides:
        if item.key_or_group == SEARCH_PATH and isinstance(named := item.value(), list):
            folders += [str(one) for one in named]
    for folder in folders:
        path.prepend(provider=SEARCH_PATH, path=folder, anchor=SearchPathQuery(provider="schema"))
    return path


def _missing_launcher(error: Exception) -> list[str]:
    """A launcher whose plugin is not installed; it may be another option's, or stand in a file."""
    group, _, option = str(getattr(error, "missing_cfg_file", None)).rpartition("/")
    if group != "hydra/launcher" or option not in PACKAGES:
        return []
    return missing(PACKAGES[option], needed_for=f"hydra/launcher={option}")


class _Parted(NamedTuple):
    """Overrides by what they do.

    Attributes:
        chosen: Those that choose options which there are.
        values: Those that set keys the config must have, by key; of a sweep its first value, or an empty text.
        problems: What is wrong with choices.
        unsure: The groups of these, and of those that are swept.
    """

    chosen: list[str]
    values: dict[str, str]
    problems: list[str]
    unsure: set[str]


def _parted(overrides: Sequence[Override], space: Space, loader: ConfigLoader) -> _Parted:
    parted = _Parted([], {}, [], set())
    for item in overrides:
        key, is_swept = item.key_or_group, item.is_sweep_override()
        if (options := loader.get_group_options(key)) and not isinstance(item.value(), Mapping):
            wrong = option_problems(item, options)
            parted.problems.extend(wrong)
            parted.unsure.update([key] if wrong or is_swept else [])
            parted.chosen.extend([] if wrong or is_swept else [str(item.input_line)])
        elif not (item.is_add() or item.is_force_add() or key.startswith(OWN)):
            parted.values[key] = _first(key, space) if is_swept else str(item.input_line)
    return parted


def _problems_of_each(overrides: Sequence[Override]) -> OverrideProblems:
    loader = GlobalHydra.instance().config_loader()
    given = with_options(part_arguments([str(one.input_line) for one in overrides], loader), loader)
    parted = _parted(overrides, given.space, loader)
    config = hydra.compose(CONFIG_NAME, overrides=parted.chosen)
    unknown = {key: problem for key in parted.values if (problem := _key_problem(config, key))}
    kinds = {item.key_or_group: told for item in overrides if (told := kind_problems(config, item))}
    known = [line for key, line in parted.values.items() if line and key not in unknown | kinds]
    composed, nowhere = _resolved(config, parted.chosen, known)
    whole = plain(composed)
    left_out = {*unknown, *kinds, *nowhere}
    problems = [*given.problems, *parted.problems, *section_problems(config, loader)]
    problems += [*_hydra_problems(overrides, parted.chosen), *unknown.values()]
    problems += [*chain.from_iterable(kinds.values()), *nowhere.values()]
    told = [*problems_of(whole), *space_problems(composed, given, loader)]
    if EXPERIMENT in parted.unsure:
        # the right one may set it
        told = [one for one in told if MISSING not in one]
    # what is told of the value in the place of one that was left out, or is searched, is not the user's
    ours, again = tuple(f"{key} is" for key in {*left_out, *given.space}), tuple(nowhere.values())
    problems += [one for one in told if not (one.startswith(ours) or one.endswith(again))]
    unsure = parted.unsure | {key.partition(".")[0] for key in left_out}
    return OverrideProblems(list(dict.fromkeys(problems)), whole, _meant(unsure))


def _resolved(config: DictConfig, chosen: Sequence[str], known: Sequence[str]) -> tuple[DictConfig, dict[str, str]]:
    """The config with the known values and without those that lead nowhere, and what is told of these, by key."""
    # composing is a fifth of the time to an error
    composed = hydra.compose(CONFIG_NAME, overrides=[*chosen, *known]) if known else config
    nowhere = interpolation_problems(composed)
    if nowhere:
        sound = [line for line in known if not _sets(line, nowhere)]
        composed = hydra.compose(CONFIG_NAME, overrides=[*chosen, *sound])
        for key in interpolation_problems(composed):
            OmegaConf.update(composed, key, None)
    return composed, nowhere


def _sets(line: str, keys: Iterable[str]) -> bool:
    """Whether an override sets one of the keys, or what is inside of it."""
    own = line.partition("=")[0]
    return any(f"{key}.".startswith(f"{own}.") for key in keys)


def _meant(unsure: Collection[str]) -> Collection[str]:
    """Sections that are unsure: all of them, if an option is that may set any, as an experiment does."""
    is_any = any(key not in SECTIONS and "/" not in key for key in unsure)
    return SECTIONS if is_any else unsure


def _first(key: str, space: Space) -> str:
    """A sweep's key with its first value; empty where it has none."""
    return override(key, edges(space[key])[0], is_group=False).lstrip("+") if key in space else ""


def _hydra_problems(overrides: Sequence[Override], chosen: Sequence[str]) -> list[str]:
    set_keys = [one.key_or_group for one in overrides if not (one.is_add() or one.is_force_add())]
    if not any(key.startswith(OWN) for key in set_keys):
        return []
    return hydra_key_problems(hydra.compose(CONFIG_NAME, overrides=list(chosen), return_hydra_config=True), set_keys)


def _key_problem(config: DictConfig, key: str) -> str | None:
    missing = object()
    if OmegaConf.select(config, key, default=missing, throw_on_missing=False) is not missing or _is_known(config, key):
        return None
    return f"{key} is not a key; {key_repair(key, known_keys(config), [config])}"


def _is_known(config: DictConfig, key: str) -> bool:
    # a key whose value is ??? or null selects as the default
    return key in known_keys(config)
