"""A sweep's request from what Hydra hands over, or all that is wrong with it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig, OmegaConf

from slimtune.sweeper.config_values import known_keys, plain, with_values
from slimtune.sweeper.search.campaign import Campaign
from slimtune.sweeper.search.request import HydraApp, SweepRequest
from slimtune.sweeper.search_config import Search, parse_search
from slimtune.sweeper.space.dimension import Scalar, Space, edges
from slimtune.sweeper.space.override_text import override_lines
from slimtune.sweeper.space.read_space import read_space
from slimtune.sweeper.space.sweep_syntax import read_arguments
from slimtune.training.config.dotted_path import imported
from slimtune.training.config.schema import suggestion
from slimtune.training.errors import ConfigError

# of apps that name none
HYDRA_CAMPAIGN = "slimtune.sweeper.campaigns.hydra_campaign.HydraCampaign"


def read_request(app: HydraApp, arguments: Sequence[str]) -> tuple[SweepRequest, Campaign]:
    """Everything that a sweep is, or all that is wrong with it.

    Raises:
        ConfigError: The problems.
    """
    settings: Any = OmegaConf.to_container(app.config.hydra.sweeper, resolve=True)
    parsed = parse_search(settings["search"])
    given = read_arguments(arguments, app.context.config_loader)
    configured = read_space(settings["space"] or {})
    # what the command line fixes is not searched
    space = {key: dimension for key, dimension in configured.space.items() if key not in given.fixed_keys}
    space |= given.space
    campaign: Campaign = imported(settings["campaign"] or HYDRA_CAMPAIGN, said="hydra.sweeper.campaign is")()
    unknown = _unknown_dimensions(app, {key: space[key] for key in space.keys() - given.added})
    nothing = ["nothing is searched; sweep a key, e.g. 'fit.learning_rate=interval(1e-4,1e-3)'"]
    if space or not getattr(campaign, "writes", True):
        # a check is of a single trial's arguments as well
        nothing = []
    problems = [*parsed.problems, *configured.problems, *unknown, *nothing]
    request = SweepRequest(
        app=app,
        # None with problems, of which the campaign may find more
        search=parsed.found,  # type: ignore[arg-type]
        space=space,
        fixed=given.fixed,
        values=plain(app.config),
        folder=Path(str(app.config.hydra.sweep.dir)).absolute(),
        worker_entry=settings["worker"],
        arguments=arguments,
    )
    problems += campaign.check(request)
    problems += [] if parsed.problems else _launcher_problems(app, parsed.section)
    problems += [] if problems else _edge_problems(request, campaign)
    if problems:
        # the campaign looks at the search's own section too
        raise ConfigError(list(dict.fromkeys(problems)))
    return request, campaign


def _unknown_dimensions(app: HydraApp, space: Space) -> list[str]:
    known = known_keys(app.config) - {key for key in known_keys(app.config) if key.startswith("hydra")}
    loader: ConfigLoader = app.context.config_loader
    return [
        f"space.{key} is not a key of the config; {suggestion(key, known)}"
        for key in space
        if key not in known and not loader.get_group_options(key.lstrip("+"))
    ]


def _launcher_problems(app: HydraApp, wanted: Search) -> list[str]:
    is_serial = app.config.hydra.launcher._target_.endswith(".BasicLauncher")
    if is_serial and wanted.config.num_workers > 1:
        return [
            f"search.num_workers is {wanted.config.num_workers}, but hydra/launcher=basic runs one job after the "
            "other; add hydra/launcher=joblib"
        ]
    return []


def _edge_problems(request: SweepRequest, campaign: Campaign) -> list[str]:
    """Problems that the ends of a dimension would cause, found by checking the config with each of them."""
    problems: list[str] = []
    for key, dimension in request.space.items():
        for value in edges(dimension):
            try:
                composed = _with(request, key, value)
            except Exception as error:  # noqa: BLE001  # whatever composing says is a problem of this value
                problems.append(f"space.{key}: {value!r} does not compose: {str(error).splitlines()[0]}")
                continue
            changed = replace(request, values=plain(composed))
            problems += [f"space.{key}: {problem}" for problem in campaign.check(changed)]
    return problems


def _with(request: SweepRequest, key: str, value: Scalar) -> DictConfig:
    """The config with one value changed."""
    loader = request.app.context.config_loader
    changed = with_values(request.app.config, {key: value}, loader)
    if changed is None:
        lines = [*request.fixed, *override_lines({key: value}, loader)]
        changed = loader.load_sweep_config(request.app.config, lines)
    return changed
