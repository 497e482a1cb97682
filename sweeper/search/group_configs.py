"""The configs that trials vary: one, or one for each option of the config groups that are searched."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from slimtune.sweeper.config_values import is_group, key_repair, known_keys, plain_or_raw, with_values
from slimtune.sweeper.search.request import HydraApp
from slimtune.sweeper.search.settings import names_file
from slimtune.sweeper.space.dimension import Choice, Scalar, Space, edges, looks_repeated, told_apart, value_id
from slimtune.sweeper.space.override_text import override_lines
from slimtune.sweeper.space.read_space import read_space
from slimtune.sweeper.space.search_space import Branch, SearchSpace
from slimtune.sweeper.space.start_point import point_in
from slimtune.sweeper.space.sweep_syntax import SweepArguments, plain_keys
from slimtune.training.errors import ConfigError

# composing one takes a tenth of a second
MAX_BASES = 64


class GroupConfig(NamedTuple):
    """A config with one option of each group that is searched.

    Attributes:
        choices: The options, by group.
        own: Composed with them; the app's part.
        fixed: Overrides that it was composed with.
        space: What is searched beside the groups.
        known: Its keys.
        problems: What is wrong with the configured space.
        unread: Keys of its dimensions that cannot be read.
        firsts: Of searched keys whose own value is not searched, a value that is.
        with_firsts: The config with these, if there are any.
    """

    choices: Mapping[str, Scalar]
    own: DictConfig
    fixed: list[str]
    space: Space
    known: set[str]
    problems: list[str]
    unread: Sequence[str] = ()
    firsts: Mapping[str, Scalar] = {}
    with_firsts: DictConfig | None = None

    def written_over(self) -> list[str]:
        """Searched keys whose own value is a list or a mapping that is not among those that are searched."""
        return [key for key in self.firsts if OmegaConf.is_config(OmegaConf.select(self.own, key))]

    @property
    def config(self) -> DictConfig:
        """What a trial may have: no key that is searched has a value that is not."""
        return self.own if self.with_firsts is None else self.with_firsts


class GroupConfigs(NamedTuple):
    """All of them.

    Attributes:
        first: What the first trial takes: of each group the config's own option, or the first one.
        by_group: For each group, that config with each of its options.
        deciding: Groups whose options differ in what can be searched or set.
        branches: One for each choice of those; none if there are none.
        problems: What is wrong with the configured space, and overrides that fit none of them.
    """

    first: GroupConfig
    by_group: Mapping[str, Sequence[GroupConfig]]
    deciding: Sequence[str]
    branches: Sequence[GroupConfig]
    problems: Sequence[str] = ()

    def changed(self, change: Callable[[GroupConfig], GroupConfig]) -> "GroupConfigs":
        """The same, with another one in the place of each."""
        made = {str(base.choices): change(base) for base in self.every()}
        return self._replace(
            first=made[str(self.first.choices)],
            by_group={group: [made[str(base.choices)] for base in bases] for group, bases in self.by_group.items()},
            branches=[made[str(base.choices)] for base in self.branches],
        )

    def every(self) -> list[GroupConfig]:
        """Each once, the first one first."""
        named = {str(base.choices): base for group in self.by_group.values() for base in group}
        named |= {str(base.choices): base for base in self.branches}
        return [self.first, *(base for base in named.values() if base.choices != self.first.choices)]


def read_bases(app: HydraApp, given: SweepArguments) -> GroupConfigs:
    """The configs of a sweep.

    Raises:
        ConfigError: The options of several groups go together in too many ways.
    """
    groups = _groups(app, given)
    own = app.options
    start = {group: own.get(group) if own.get(group) in options else options[0] for group, options in groups.items()}
    maker = _Maker(app, given, groups)
    by_group = {group: [maker.make({**start, group: option}) for option in groups[group]] for group in groups}
    deciding = [group for group, bases in by_group.items() if any(_differ(base, bases[0]) for base in bases)]
    choices = _product({group: groups[group] for group in deciding}) if deciding else []
    bases = GroupConfigs(maker.make(start), by_group, deciding, [maker.make({**start, **choice}) for choice in choices])
    problems = [problem for base in bases.every() for problem in base.problems]
    return bases._replace(problems=[*problems, *_unfitting(given, bases)])


def with_firsts(base: GroupConfig, app: HydraApp, check: Callable[[DictConfig], Sequence[str]]) -> GroupConfig:
    """A base as a trial may have it: what it says of a key that is searched may be a value that no trial has.

    Args:
        base: As it was composed.
        app: The Hydra app.
        check: Tells what is wrong with a config. A first value with which more is wrong is passed over, so that it is
            told as one of its dimension.
    """
    values = plain_or_raw(base.own)
    held = point_in(base.space, values, {**app.options, **base.choices})
    missing = [key for key in base.space if key not in held and _is_plain(key, base, app)]
    if not missing:
        return base
    told = check(base.own)

    def fits(firsts: Mapping[str, Scalar]) -> bool:
        config = composed_with(base, app, firsts)
        return config is not None and all(problem in told for problem in check(config))

    firsts: dict[str, Scalar] = {key: edges(base.space[key])[0] for key in missing}
    if not fits(firsts):
        firsts = {}
        for key in missing:
            fitting = [value for value in edges(base.space[key]) if fits({**firsts, key: value})]
            firsts |= {key: fitting[0]} if fitting else {}
    return base._replace(firsts=firsts, with_firsts=composed_with(base, app, firsts))


def with_values_once(
    base: GroupConfig, app: HydraApp, reading: Callable[[str, Mapping[str, Any]], Any], told: dict[str, None]
) -> GroupConfig:
    """A base whose choices are told apart as the config tells them: a number and its text may be one value.

    Args:
        base: As it was composed.
        app: The Hydra app.
        reading: The value of a key as trials read it, given the config's values.
        told: Takes in what was left out.
    """
    space = dict(base.space)
    for key, dimension in base.space.items():
        if isinstance(dimension, Choice) and dimension.repeated:
            told |= dict.fromkeys(_left_out(key, value) for value in dimension.repeated)
            told |= {f"{key} has one value then, {dimension.values[0]!r}": None} if len(dimension.values) == 1 else {}
        if not (isinstance(dimension, Choice) and looks_repeated(dimension) and _is_plain(key, base, app)):
            continue
        configs = [composed_with(base, app, {key: value}) for value in dimension.values]
        read = [
            value if config is None else reading(key, plain_or_raw(config))
            for value, config in zip(dimension.values, configs, strict=True)
        ]
        space[key] = once = told_apart(dimension, read)
        kept = {value_id(value) for value in once.values}
        left = [value for value in dimension.values if value_id(value) not in kept]
        told |= dict.fromkeys(_left_out(key, value) for value in left)
    return base._replace(space=space)


def _left_out(key: str, value: Scalar) -> str:
    return f"{key}: {value!r} is the same as another of its values, and is left out"


def composed_with(base: GroupConfig, app: HydraApp, values: Mapping[str, Scalar]) -> DictConfig | None:
    """A base's config with these values and nothing else changed; None if it does not compose."""
    try:
        return compose_with(base, app, values)
    except Exception:  # noqa: BLE001  # whatever composing says is told of each value of the dimension
        return None


def compose_with(base: GroupConfig, app: HydraApp, values: Mapping[str, Scalar]) -> DictConfig:
    """A base's config with these values; raises whatever composing says."""
    loader = app.context.config_loader
    changed = with_values(base.own, values, loader)
    if changed is None:
        lines = [*base.fixed, *override_lines({**base.choices, **values}, loader)]
        changed = loader.load_sweep_config(app.config, lines)
    return changed


def _is_plain(key: str, base: GroupConfig, app: HydraApp) -> bool:
    """Whether a key is one of the config, and no group."""
    return key.lstrip("+") in base.known and not is_group(app.context.config_loader, key)


def search_space_of(given: SweepArguments, bases: GroupConfigs) -> SearchSpace:
    """One space, conditional by the groups whose options differ in it."""
    groups = {key: one for key, one in given.space.items() if key in bases.by_group}
    if not bases.branches:
        # what is configured, then what is given
        searched = bases.first.space | groups
        configured = {key: one for key, one in searched.items() if key not in given.space}
        return SearchSpace(configured | {key: searched[key] for key in given.space if key in searched})
    spaces = [base.space for base in bases.branches]
    shared = {key: one for key, one in spaces[0].items() if all(space.get(key) == one for space in spaces)}
    return SearchSpace(groups | shared, tuple(_branch(base, bases.deciding, shared) for base in bases.branches))


def _branch(base: GroupConfig, groups: Sequence[str], shared: Space) -> Branch:
    choices = {group: base.choices[group] for group in groups}
    own = {key: one for key, one in base.space.items() if key not in shared}
    return Branch(choices=choices, space=own, fixed=tuple(base.fixed))


def _groups(app: HydraApp, given: SweepArguments) -> dict[str, Sequence[Scalar]]:
    """The options that are searched, by group."""
    loader = app.context.config_loader
    return {
        key: dimension.values
        for key, dimension in given.space.items()
        if isinstance(dimension, Choice) and is_group(loader, key)
    }


class _Maker:
    """Composes each base once."""

    def __init__(self, app: HydraApp, given: SweepArguments, groups: Mapping[str, Sequence[Scalar]]) -> None:
        self._app, self._given, self._groups = app, given, groups
        self._made: dict[str, GroupConfig] = {}

    def make(self, choices: Mapping[str, Scalar]) -> GroupConfig:
        name = str(sorted(choices.items(), key=str))
        if name not in self._made:
            self._made[name] = self._make(choices)
        if len(self._made) > MAX_BASES:
            raise ConfigError([f"{' '.join(self._groups)}: their options go together in too many ways; sweep fewer"])
        return self._made[name]

    def _make(self, choices: Mapping[str, Scalar]) -> GroupConfig:
        fixed, config = self._composed(choices) if choices else (self._given.fixed, self._app.config)
        known = {key for key in known_keys(config) if not key.startswith("hydra.") and key != "hydra"}
        if choices and "search" in config:
            # as a space file or that of another sweeper has it
            config.search = self._app.config.search
        settings: Any = OmegaConf.to_container(config.hydra.sweeper, resolve=True)
        # what stands in a file is given
        configured = read_space({} if names_file(settings["space"]) else settings["space"] or {})
        wanted = {key: one for key, one in configured.space.items() if key not in self._given.fixed_keys}
        wanted |= {key: one for key, one in self._given.space.items() if key not in self._groups}
        space = {key: one for key, one in wanted.items() if not choices or self._fits(key, known)}
        return GroupConfig(
            choices, self._with_added(config), list(fixed), space, known, configured.problems, configured.unread
        )

    def _fits(self, key: str, known: set[str]) -> bool:
        return key.lstrip("+") in known or key in self._given.added or key.startswith("+")

    def _with_added(self, config: DictConfig) -> DictConfig:
        """With a first value of keys that the config need not have: others may be taken from them."""
        added = {key: edges(self._given.space[key])[0] for key in self._given.added if key in self._given.space}
        return with_values(config, added, self._app.context.config_loader) or config

    def _composed(self, choices: Mapping[str, Scalar]) -> tuple[Sequence[str], DictConfig]:
        """With all overrides, or with those that these options have a key for."""
        loader = self._app.context.config_loader
        lines = override_lines(choices, loader)
        try:
            return self._given.fixed, loader.load_sweep_config(self._app.config, [*self._given.fixed, *lines])
        except (HydraException, OmegaConfBaseException):
            fitting = self._fitting(lines)
            if len(fitting) == len(self._given.fixed):
                raise
            return fitting, loader.load_sweep_config(self._app.config, [*fitting, *lines])

    def _fitting(self, lines: Sequence[str]) -> list[str]:
        loader = self._app.context.config_loader
        keys = plain_keys(self._given.fixed, loader)
        always = [line for line in self._given.fixed if line not in keys]
        known = known_keys(loader.load_sweep_config(self._app.config, [*always, *lines]))
        return [line for line in self._given.fixed if line in always or keys[line] in known]


def _product(options: Mapping[str, Sequence[Scalar]]) -> list[dict[str, Scalar]]:
    return [dict(zip(options, values, strict=True)) for values in itertools.product(*options.values())]


def _differ(one: GroupConfig, other: GroupConfig) -> bool:
    return (one.space, one.fixed) != (other.space, other.fixed)


def _unfitting(given: SweepArguments, bases: GroupConfigs) -> list[str]:
    """Overrides that no option has a key for, which are none of the sweep."""
    used = {line for base in bases.every() for line in base.fixed}
    keys = [line.partition("=")[0] for line in given.fixed if line not in used]
    options = " ".join(_options_text(group, found) for group, found in bases.by_group.items())
    known: set[str] = set().union(*(base.known for base in bases.every()))
    configs = [base.own for base in bases.every()]
    return [f"{key} is set, but no option of {options} has it; {key_repair(key, known, configs)}" for key in keys]


def _options_text(group: str, bases: Sequence[GroupConfig]) -> str:
    return f"{group}={','.join(str(base.choices[group]) for base in bases)}"


def told_of_sections(unknown: Mapping[str, str], bases: GroupConfigs) -> list[str]:
    """What is told of unknown keys, without those of a section that is one value, which is told by itself."""
    configs = [base.own for base in bases.every()]
    sections = {key: key.partition(".")[0] for key in unknown}
    values = {one for one in sections.values() if all(_is_value(config, one) for config in configs)}
    return [problem for key, problem in unknown.items() if sections[key] not in values]


def _is_value(config: DictConfig, name: str) -> bool:
    return name in config and not isinstance(config._get_node(name), DictConfig)
