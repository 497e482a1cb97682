"""A sweep's request from what Hydra hands over, or all that is wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from slimtune.sweeper.config_values import is_group, plain, plain_or_raw, with_values
from slimtune.sweeper.search.bases import Base, Bases, read_bases, search_space_of
from slimtune.sweeper.search.campaign import Campaign
from slimtune.sweeper.search.choose_sampler import searched_space
from slimtune.sweeper.search.first_points import first_point_problems, warm_start_problems
from slimtune.sweeper.search.named_parts import with_named_parts
from slimtune.sweeper.search.request import HydraApp, OtherOptions, SweepRequest
from slimtune.sweeper.search_config import Search, parse_search
from slimtune.sweeper.space.dimension import Scalar, edges
from slimtune.sweeper.space.override_text import override_lines
from slimtune.sweeper.space.search_space import SearchSpace
from slimtune.sweeper.space.sweep_syntax import SweepArguments, read_arguments
from slimtune.training.config.dotted_path import imported
from slimtune.training.config.schema import Parsed, suggestion
from slimtune.training.errors import ConfigError

# of apps that name none
HYDRA_CAMPAIGN = "slimtune.sweeper.campaigns.hydra_campaign.HydraCampaign"


def read_request(app: HydraApp, arguments: Sequence[str]) -> tuple[SweepRequest, Campaign]:
    """Everything that a sweep is, or all that is wrong with it.

    Raises:
        ConfigError: The problems.
    """
    settings = _settings(app)
    parsed = parse_search(settings["search"] if settings["campaign"] else with_named_parts(settings["search"]))
    given = read_arguments(arguments, app.context.config_loader)
    bases = read_bases(app, given)
    space = searched_space(search_space_of(given, bases), parsed.found)
    campaign: Campaign = imported(settings["campaign"] or HYDRA_CAMPAIGN, said="hydra.sweeper.campaign is")()
    values_of = plain if settings["campaign"] else plain_or_raw
    first, *others = bases.every()
    request = SweepRequest(
        app=app,
        # None with problems, of which the campaign may find more
        search=parsed.found,  # type: ignore[arg-type]
        space=space,
        fixed=first.fixed,
        choices=first.choices,
        values=values_of(first.config),
        others=[OtherOptions(_label(app, base), values_of(base.config)) for base in others],
        folder=Path(str(app.config.hydra.sweep.dir)).absolute(),
        worker_entry=settings["worker"],
        arguments=arguments,
    )
    problems = [*_search_problems(parsed, is_own=bool(settings["campaign"]))]
    problems += [problem for base in bases.every() for problem in base.problems]
    problems += [*_unknown_dimensions(app, given, bases), *_nothing_searched(space, campaign), *campaign.check(request)]
    if not parsed.problems:
        problems += _launcher_problems(app, parsed.section)
        problems += first_point_problems(parsed.section.config, space)
        problems += warm_start_problems(parsed.section.config, request.folder)
    checked = _Checked(request, bases, campaign)
    problems += [] if problems else checked.problems()
    if problems:
        # the campaign looks at the search's own section too
        raise ConfigError(list(dict.fromkeys(problems)))
    return replace(request, seeds=sorted(checked.seeds)), campaign


def _settings(app: HydraApp) -> dict[str, Any]:
    try:
        settings: dict[str, Any] = OmegaConf.to_container(app.config.hydra.sweeper, resolve=True)  # type: ignore[assignment]
    except OmegaConfBaseException as error:
        raise ConfigError([f"hydra.sweeper: {str(error).splitlines()[0]}"]) from error
    return settings


def _search_problems(parsed: Parsed[Search], *, is_own: bool) -> list[str]:
    """In an app of the user's own, the section lies in Hydra's."""
    return [problem if is_own else f"hydra.sweeper.{problem}" for problem in parsed.problems]


def _label(app: HydraApp, base: Base) -> str:
    return " ".join(override_lines(base.choices, app.context.config_loader))


def _nothing_searched(space: SearchSpace, campaign: Campaign) -> list[str]:
    # a check is of a single trial's arguments as well
    if not getattr(campaign, "writes", True):
        return []
    hint = "nothing is searched; sweep a key, e.g. 'fit.learning_rate=interval(1e-4,1e-3)'"
    return [] if space.searched_keys() else [hint]


def _unknown_dimensions(app: HydraApp, given: SweepArguments, bases: Bases) -> list[str]:
    loader = app.context.config_loader
    known: set[str] = set().union(*(base.known for base in bases.every()))
    wanted = {key: None for base in bases.every() for key in base.space} | dict.fromkeys(given.space)
    return [
        f"space.{key} is not a key of the config; {suggestion(key, known)}"
        for key in wanted
        if key not in known | given.added and (key.startswith("hydra/") or not is_group(loader, key))
    ]


def _launcher_problems(app: HydraApp, wanted: Search) -> list[str]:
    is_serial = app.config.hydra.launcher._target_.endswith(".BasicLauncher")
    if is_serial and wanted.config.num_workers > 1:
        return [
            f"search.num_workers is {wanted.config.num_workers}, but hydra/launcher=basic runs one job after the "
            "other; add hydra/launcher=joblib"
        ]
    return []


class _Checked:
    """The config with each option of a searched group, and with each end of a dimension.

    Attributes:
        seeds: All values of `fit.seed` that were met.
    """

    def __init__(self, request: SweepRequest, bases: Bases, campaign: Campaign) -> None:
        self._request, self._bases, self._campaign = request, bases, campaign
        self.seeds: set[int] = set()

    def problems(self) -> list[str]:
        """Of each option and of each end, and of searching a key at all."""
        problems: list[str] = []
        every = [self._request.values, *(other.values for other in self._request.others)]
        for base, values in zip(self._bases.every(), every, strict=True):
            problems += self._problems_of_base(base, values)
        for group, options in self._bases.by_group.items():
            problems += self._campaign.check_dimension(group, [plain_or_raw(base.config) for base in options])
        return problems

    def _problems_of_base(self, base: Base, values: Mapping[str, Any]) -> list[str]:
        label = _label(self._request.app, base)
        found = self._check(values)
        problems = [f"{label}: {problem}" for problem in found]
        for key, dimension in base.space.items():
            ends = _Ends(self._request, base, key, edges(dimension))
            own = [one for values in ends.values for one in self._check(values) if one not in found]
            problems += ends.broken + [f"space.{key}: {problem}" for problem in own]
            problems += [] if own else self._campaign.check_dimension(key, ends.values)
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

    def __init__(self, request: SweepRequest, base: Base, key: str, ends: Sequence[Scalar]) -> None:
        self._request, self._base, self._key = request, base, key
        self.values: list[Mapping[str, Any]] = []
        self.broken: list[str] = []
        for value in ends:
            try:
                self.values.append(plain_or_raw(self._composed(value)))
            except Exception as error:  # noqa: BLE001  # whatever composing says is a problem of this value
                reason = str(error).strip().partition("\n")[0]
                self.broken.append(f"space.{key}: {value!r} does not compose: {reason}")

    def _composed(self, value: Scalar) -> DictConfig:
        loader = self._request.app.context.config_loader
        changed = with_values(self._base.config, {self._key: value}, loader)
        if changed is None:
            lines = [*self._base.fixed, *override_lines({**self._base.choices, self._key: value}, loader)]
            changed = loader.load_sweep_config(self._request.app.config, lines)
        return changed
