"""A sweep's request from what Hydra hands over, or all that is wrong with it."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from slimtune.sweeper.config_file import keys_set_in_file
from slimtune.sweeper.config_values import is_group, key_repair, known_keys, plain, plain_or_raw
from slimtune.sweeper.goals.goals import PRUNING_OFF
from slimtune.sweeper.pruner_config import NoPruning
from slimtune.sweeper.search.campaign import Campaign
from slimtune.sweeper.search.choose_sampler import searched_space
from slimtune.sweeper.search.first_points import first_point_problems, warm_start_problems
from slimtune.sweeper.search.group_configs import (
    GroupConfig,
    GroupConfigs,
    compose_with,
    read_bases,
    search_space_of,
    told_of_sections,
    with_firsts,
    with_values_once,
)
from slimtune.sweeper.search.launchers.plugins import launcher_problems
from slimtune.sweeper.search.named_parts import default_of, with_named_parts
from slimtune.sweeper.search.request import HydraApp, OtherOptions, SweepRequest
from slimtune.sweeper.search.settings import Settings, read_settings, with_search
from slimtune.sweeper.search_config import Search, parse_search
from slimtune.sweeper.space.dimension import Choice, Scalar, edges
from slimtune.sweeper.space.dimension_told import refusals, value_problems
from slimtune.sweeper.space.override_text import override_lines
from slimtune.sweeper.space.search_space import SearchSpace
from slimtune.sweeper.space.space_file import in_full
from slimtune.sweeper.space.sweep_notes import comma_notes, not_searched_notes
from slimtune.sweeper.space.sweep_syntax import SweepArguments, part_arguments, with_options
from slimtune.sweeper.storage_url import storage_problems
from slimtune.training.config.dotted_path import imported
from slimtune.training.config.schema import Parsed
from slimtune.training.errors import ConfigError

log = logging.getLogger(__name__)

# of apps that name none
HYDRA_CAMPAIGN = "slimtune.sweeper.campaigns.hydra_campaign.HydraCampaign"
PARAMS = "hydra.sweeper.params: "


def read_request(app: HydraApp, arguments: Sequence[str]) -> tuple[SweepRequest, Campaign]:
    """Everything that a sweep is, or all that is wrong with it.

    Raises:
        ConfigError: The problems.
    """
    settings = read_settings(app, arguments)
    app = settings.app
    section = settings.search if settings.campaign else with_named_parts(settings.search)
    parsed = parse_search(section)
    given = _given(settings, parsed, arguments)
    app = with_search(_recomposed(app, given), settings.search) if given.drawn or settings.params else app
    campaign: Campaign = imported(settings.campaign or HYDRA_CAMPAIGN, said="hydra.sweeper.campaign is")()
    bases = _told_apart(read_bases(app, given), app, campaign)
    space = replace(searched_space(search_space_of(given, bases), parsed.found), is_open=settings.extension is not None)
    values_of = plain if settings.campaign else plain_or_raw
    request = SweepRequest(
        app=app,
        # None with problems, of which the campaign may find more
        search=parsed.found,  # type: ignore[arg-type]
        space=space,
        fixed=bases.first.fixed,
        choices=bases.first.choices,
        values=values_of(bases.first.own),
        folder=Path(str(app.config.hydra.sweep.dir)).absolute(),
        worker_entry=settings.worker,
        arguments=arguments,
        added=frozenset(given.added),
        extension=settings.extension,
        max_failures=_max_failures(settings, parsed),
    )
    bases = bases.changed(partial(with_firsts, app=app, check=partial(_problems_of, campaign, request)))
    request = _with_tried(request, bases, values_of)
    unknown = _unknown_dimensions(app, given, bases, settings.unread)
    problems = [*_search_problems(parsed, is_own=bool(settings.campaign)), *_pruner_problems(parsed.found, section)]
    problems += [*settings.problems, *given.problems, *bases.problems, *told_of_sections(unknown, bases)]
    problems += [] if problems else _nothing_searched(space, campaign, settings)
    problems += campaign.check(replace(request, values=request.tried))
    if not parsed.problems:
        problems += launcher_problems(app.config, num_workers=parsed.section.config.num_workers)
        problems += storage_problems(parsed.section.config.storage, _storage_key(settings))
        problems += first_point_problems(parsed.section.config, space)
        problems += warm_start_problems(parsed.section.config, request.folder)
    problems += [] if problems else _extension_problems(request, given, bases.first)
    checked = _Checked(request, bases, campaign, given.said)
    problems += checked.problems(skip=unknown)
    if problems:
        # the campaign looks at the search's own section too
        campaign.refuse(list(dict.fromkeys(problems)), request)
    for note in [*not_searched_notes(given), *comma_notes(given, bases.first.own)]:
        log.warning("%s", note)
    return replace(request, seeds=sorted(checked.seeds)), campaign


def _told_apart(bases: GroupConfigs, app: HydraApp, campaign: Campaign) -> GroupConfigs:
    told: dict[str, None] = {}
    bases = bases.changed(partial(with_values_once, app=app, reading=campaign.reading, told=told))
    for line in told:
        log.warning("%s", line)
    return bases


def _with_tried(
    request: SweepRequest, bases: GroupConfigs, values_of: Callable[[DictConfig], dict[str, Any]]
) -> SweepRequest:
    first, *others = bases.every()
    return replace(
        request,
        tried=values_of(first.config),
        firsts=first.firsts,
        others=[OtherOptions(_label(request.app, base), values_of(base.config)) for base in others],
    )


def _problems_of(campaign: Campaign, request: SweepRequest, config: DictConfig) -> Sequence[str]:
    return campaign.check(replace(request, values=plain_or_raw(config)))


def _given(settings: Settings, parsed: Parsed[Search], arguments: Sequence[str]) -> SweepArguments:
    """What is swept and what is fixed, by the config's own lines, a file, and the command line, which comes last."""
    seed = parsed.found.config.seed if parsed.found else 0
    loader = settings.app.context.config_loader
    try:
        given = part_arguments([*settings.params, *arguments], loader, seed=seed)
    except HydraException as error:
        # Hydra has read those of the command line before
        raise ConfigError([f"{PARAMS}{' '.join(str(error).split())}"]) from error
    given = with_options(_of_params(given, settings.params), loader)
    in_file = keys_set_in_file(arguments)
    if not settings.space:
        return given._replace(fixed_keys=given.fixed_keys | in_file)
    full = in_full(settings.space, known_keys(settings.app.config), settings.space_prefix)
    open_keys = {key: dimension for key, dimension in full.space.items() if key not in given.fixed_keys}
    added = {key.lstrip("+") for key in open_keys if key.startswith("+")}
    return given._replace(
        fixed_keys=given.fixed_keys | in_file,
        space={**open_keys, **given.space},
        added=given.added | added,
        said={**full.said, **given.said},
        problems=[*full.problems, *given.problems],
        not_searched=[key for key in full.space if key in given.fixed_keys],
    )


def _of_params(given: SweepArguments, params: Sequence[str]) -> SweepArguments:
    """With the config's own lines told as such."""

    def told(line: str) -> str:
        return f"{PARAMS}{line}" if any(line.startswith(one) for one in params) else line

    said = {key: told(line) for key, line in given.said.items()}
    return given._replace(said=said, problems=[told(problem) for problem in given.problems])


def _recomposed(app: HydraApp, given: SweepArguments) -> HydraApp:
    """The app with the config that has all fixed overrides: Hydra has composed it without those that stand in it."""
    loader = app.context.config_loader
    lines = [*given.fixed, *override_lines(_first_options(app, given), loader)]
    try:
        return app._replace(config=loader.load_sweep_config(app.config, lines))
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError([" ".join(str(error).split("\n")[:2])]) from error


def _first_options(app: HydraApp, given: SweepArguments) -> dict[str, Scalar]:
    """Of each group that is swept over: without one the config may not compose."""
    loader = app.context.config_loader
    groups = {key: one for key, one in given.space.items() if isinstance(one, Choice) and is_group(loader, key)}
    return {
        key: app.options.get(key) if app.options.get(key) in one.values else one.values[0]
        for key, one in groups.items()
    }


def _max_failures(settings: Settings, parsed: Parsed[Search]) -> int | None:
    if settings.max_failure_rate is None or parsed.found is None:
        return None
    return int(settings.max_failure_rate * parsed.found.config.n_trials) + 1


def _extension_problems(request: SweepRequest, given: SweepArguments, base: GroupConfig) -> list[str]:
    """What is wrong with the function that adds parameters, as far as one call of it tells."""
    if request.extension is None:
        return []
    # Optuna comes with it
    from slimtune.sweeper.search.extension import added_params

    added = added_params(request.extension, request.app.config, request.space)
    said = f"hydra.sweeper.custom_search_space {request.extension} suggests"
    fixed = [key for key in added if key.lstrip("+") in given.fixed_keys]
    unknown = [key for key in added if not (key in base.known or key.startswith("+") or key in given.fixed_keys)]
    unknown = [key for key in unknown if not is_group(request.app.context.config_loader, key)]
    return [
        *(f"{said} {key}, which has one value already; leave it out in one place" for key in fixed),
        *(
            f"{said} {key}, which is not a key of the config; {key_repair(key, base.known, [base.own])}"
            for key in unknown
        ),
    ]


def _search_problems(parsed: Parsed[Search], *, is_own: bool) -> list[str]:
    """In an app of the user's own, the section lies in Hydra's."""
    if not is_own:
        return [f"hydra.sweeper.{problem}" for problem in parsed.problems]
    # it is null where the task's is, of which the campaign says what to do
    return [problem for problem in parsed.problems if not problem.startswith("search.direction is None")]


def _storage_key(settings: Settings) -> str:
    if settings.campaign:
        return "search.storage"
    return "hydra.sweeper.storage" if settings.is_plugin_form else "hydra.sweeper.search.storage"


def _pruner_problems(search: Search | None, section: Mapping[str, Any]) -> list[str]:
    """A pruner that was chosen would do nothing; the one that a config begins with is told to be off."""
    if search is None or search.goals.can_prune or isinstance(search.pruner, NoPruning):
        return []
    if section.get("pruner") == default_of("pruner"):
        return []
    return [f"search.pruner is {search.pruner.name}, but {PRUNING_OFF}; use search/pruner=none"]


def _label(app: HydraApp, base: GroupConfig) -> str:
    return " ".join(override_lines(base.choices, app.context.config_loader))


def _nothing_searched(space: SearchSpace, campaign: Campaign, settings: Settings) -> list[str]:
    # a check is of a single trial's arguments as well
    if not getattr(campaign, "writes", True) or space.is_open:
        return []
    if settings.is_plugin_form and settings.campaign is None and not space.searched_keys():
        log.warning("nothing is searched: the app runs once")
        return []
    hint = "nothing is searched; sweep a key, e.g. 'fit.learning_rate=interval(1e-4,1e-3)'"
    return [] if space.searched_keys() else [hint]


def _unknown_dimensions(
    app: HydraApp, given: SweepArguments, bases: GroupConfigs, unread: Mapping[str, str]
) -> dict[str, str]:
    """Dimensions that no config has a key for, with what is told of them; `unread` are others of a file."""
    loader = app.context.config_loader
    known: set[str] = set().union(*(base.known for base in bases.every()))
    wanted = {key: None for base in bases.every() for key in (*base.space, *base.unread)}
    wanted |= dict.fromkeys([*given.space, *unread])
    said = {**unread, **given.said}
    configs = [base.own for base in bases.every()]
    return {
        key: f"{_named(key, said)} is not a key of the config; {key_repair(key, known, configs)}"
        for key in wanted
        if key not in known | given.added and (key.startswith("hydra/") or not is_group(loader, key))
    }


def _named(key: str, said: Mapping[str, str]) -> str:
    """A key as it was written: of an override its key, of a space file the name there."""
    written = said.get(key, f"space.{key}")
    if f"{key}=" in written:
        return written.partition("=")[0]
    return written if written.endswith(f".{key}") else f"{written} ({key})"


class _Checked:
    """The config with each option of a searched group, and with each end of a dimension.

    Attributes:
        seeds: All values of `fit.seed` that were met.
    """

    def __init__(self, request: SweepRequest, bases: GroupConfigs, campaign: Campaign, said: Mapping[str, str]) -> None:
        self._request, self._bases, self._campaign, self._said = request, bases, campaign, said
        self._skipped: Collection[str] = ()
        self.seeds: set[int] = set()

    def problems(self, skip: Collection[str] = ()) -> list[str]:
        """Of each option and of each end, and of searching a key at all; some keys are not looked at."""
        problems: list[str] = []
        self._skipped = skip
        every = [self._request.tried, *(other.values for other in self._request.others)]
        for base, values in zip(self._bases.every(), every, strict=True):
            problems += self._problems_of_base(base, values)
        for group, options in self._bases.by_group.items():
            problems += self._campaign.check_dimension(group, [plain_or_raw(base.config) for base in options])
        return problems

    def _problems_of_base(self, base: GroupConfig, values: Mapping[str, Any]) -> list[str]:
        label = _label(self._request.app, base)
        found = self._check(values)
        told = self._check(self._request.tried)
        # those of the first one were told
        problems = [f"{label}: {problem}" for problem in found if problem not in told]
        if begins := tuple(f"{key} is " for key in base.written_over()):
            # a range of somebody who looked for it there
            problems += [one for one in self._check(plain_or_raw(base.own)) if one.startswith(begins)]
        for key, dimension in base.space.items():
            if key in self._skipped:
                continue
            ends = _Ends(self._request, base, key, edges(dimension))
            written = self._said.get(key, f"space.{key}")
            own = [one for values in ends.values for one in self._check(values) if one not in found]
            problems += value_problems(written, key, dimension, [*ends.broken, *own])
            refused = [] if own or ends.broken else self._campaign.check_dimension(key, ends.values)
            problems += refusals(written, key, dimension, refused)
        return problems

    def _check(self, values: Mapping[str, Any]) -> Sequence[str]:
        seed = (values.get("fit") or {}).get("seed") if isinstance(values.get("fit"), Mapping) else None
        if isinstance(seed, int):
            self.seeds.add(seed)
        return self._campaign.check(replace(self._request, values=values))


class _Ends:
    """The config with each end of one dimension.

    Attributes:
        values: Those that compose.
        broken: Why others do not.
    """

    def __init__(self, request: SweepRequest, base: GroupConfig, key: str, ends: Sequence[Scalar]) -> None:
        self._request, self._base, self._key = request, base, key
        self.values: list[Mapping[str, Any]] = []
        self.broken: list[str] = []
        for value in ends:
            try:
                self.values.append(plain_or_raw(self._composed(value)))
            except Exception as error:  # noqa: BLE001  # whatever composing says is a problem of this value
                reason = str(error).strip().partition("\n")[0]
                self.broken.append(f"{value!r} does not compose: {reason}")

    def _composed(self, value: Scalar) -> DictConfig:
        return compose_with(self._base, self._request.app, {**self._base.firsts, self._key: value})
