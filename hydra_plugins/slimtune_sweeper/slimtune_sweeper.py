"""`hydra/sweeper=slimtune` in any Hydra app. Imported at every Hydra start, so nothing heavy here."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

import slimtune

BAD_INPUT, INTERRUPTED = 2, 130
# the option of `hydra/sweeper/sampler` where slimtune's own section names the sampler
SEARCH = "search"
SEARCH_DEFAULTS = Path(slimtune.__file__).parent / "conf" / "search"


def _search_defaults() -> dict[str, Any]:
    """The values of `conf/search/default.yaml`, for apps that have no such group."""
    values: dict[str, Any] = OmegaConf.to_container(OmegaConf.load(SEARCH_DEFAULTS / "default.yaml"))  # type: ignore[assignment]
    for choice in values.pop("defaults")[:-1]:
        for group, option in choice.items():
            values[group] = OmegaConf.to_container(OmegaConf.load(SEARCH_DEFAULTS / group / f"{option}.yaml"))
    # what is better is known to the app alone
    return values | {"name": "${hydra.job.name}", "direction": "???"}


@dataclass
class SlimtuneSweeperConf:
    """What an app may set under `hydra.sweeper`.

    Attributes:
        search: Budget, sampler, pruner, storage: the keys of slimtune's `search` group.
        space: Dimensions by config key; sweeps on the command line are added.
        campaign: What happens around the search, by dotted path; null only searches.
        worker: Runs trials in a worker, by dotted path; null calls the app's task function once a trial.

    The others are those of Hydra's Optuna sweeper, so that a config for it works here (docs/hydra_optuna_sweeper.md);
    null is what `search` says.
    """

    _target_: str = "hydra_plugins.slimtune_sweeper.slimtune_sweeper.SlimtuneSweeper"
    _recursive_: bool = False
    search: Any = field(default_factory=_search_defaults)
    space: Any = field(default_factory=dict)
    campaign: str | None = None
    worker: str | None = None
    defaults: list[Any] = field(default_factory=lambda: ["_self_", {"sampler": SEARCH}])
    sampler: Any = None
    direction: Any = None
    storage: Any = None
    study_name: str | None = None
    n_trials: int | None = None
    n_jobs: int | None = None
    max_failure_rate: float | None = None
    params: Any = None
    search_space: Any = None
    custom_search_space: str | None = None
    experiment_sequence: str | None = None


# options of that plugin's samplers with its defaults (1.3.0 and 1.4.0rc3); that plugin instantiates them, the sweeper
# here reads their names
PARZEN = {
    "seed": None,
    "consider_prior": True,
    "prior_weight": 1.0,
    "consider_magic_clip": True,
    "consider_endpoints": False,
    "n_startup_trials": 10,
}
EVOLUTION = {
    "seed": None,
    "population_size": 50,
    "mutation_prob": None,
    "crossover_prob": 0.9,
    "swapping_prob": 0.5,
    "mutation": None,
    "crossover": None,
    "constraints_func": None,
}
SAMPLERS: dict[str, dict[str, Any]] = {
    "tpe": {
        "_target_": "optuna.samplers.TPESampler",
        **PARZEN,
        "n_ei_candidates": 24,
        "multivariate": False,
        "group": False,
        "constant_liar": False,
        "warn_independent_sampling": True,
    },
    "random": {"_target_": "optuna.samplers.RandomSampler", "seed": None},
    "cmaes": {
        "_target_": "optuna.samplers.CmaEsSampler",
        "seed": None,
        "x0": None,
        "sigma0": None,
        "independent_sampler": None,
        "warn_independent_sampling": True,
        "consider_pruned_trials": False,
        "n_startup_trials": 1,
        "restart_strategy": None,
        "popsize": None,
        "inc_popsize": 2,
        "use_separable_cma": False,
        "with_margin": False,
        "lr_adapt": False,
        "source_trials": None,
    },
    "nsgaii": {"_target_": "optuna.samplers.NSGAIISampler", **EVOLUTION},
    "nsgaiii": {
        "_target_": "optuna.samplers.NSGAIIISampler",
        **EVOLUTION,
        "reference_points": None,
        "dividing_parameter": 3,
    },
    "motpe": {"_target_": "optuna.samplers.MOTPESampler", **PARZEN, "n_ehvi_candidates": 24},
    "grid": {"_target_": "optuna.samplers.GridSampler", "_partial_": True, "seed": None},
    "gp": {
        "_target_": "optuna.samplers.GPSampler",
        "seed": None,
        "independent_sampler": None,
        "n_startup_trials": 10,
        "deterministic_objective": False,
        "constraints_func": None,
        "warn_independent_sampling": True,
    },
    "qmc": {
        "_target_": "optuna.samplers.QMCSampler",
        "seed": None,
        "qmc_type": "sobol",
        "scramble": False,
        "independent_sampler": None,
        "warn_asynchronous_seeding": True,
        "warn_independent_sampling": True,
    },
}


def _store(store: ConfigStore) -> None:
    store.store(group="hydra/sweeper", name="slimtune", node=SlimtuneSweeperConf, provider="slimtune")
    group = "hydra/sweeper/sampler"
    # what `search.sampler` says, with the keys that may be set without choosing an option
    nothing = dict.fromkeys(SAMPLERS["tpe"])
    known = {SEARCH: nothing, **SAMPLERS}
    for name, options in known.items():
        # that plugin's own, where it is installed too, are the same
        if f"{name}.yaml" not in store.repo.get("hydra", {}).get("sweeper", {}).get("sampler", {}):
            store.store(group=group, name=name, node=options, provider="slimtune")


_store(ConfigStore.instance())


class SlimtuneSweeper(Sweeper):
    """Launches workers that pull trials from one study, instead of one job a trial."""

    def __init__(self, **_: Any) -> None:
        # the settings are read from the composed config, where they stand unconverted
        self.config: DictConfig | None = None
        self.hydra_context: HydraContext | None = None
        self.task_function: TaskFunction | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what Hydra hands over; nothing is launched before `sweep`."""
        self.hydra_context, self.task_function, self.config = hydra_context, task_function, config

    def sweep(self, arguments: list[str]) -> Any:
        """Search until the budget is used up.

        Raises:
            UserError: The config or the store cannot be used; in an app of the user's own the message is printed, and
                the process ends with exit code 2.
            SweepStopped: By `slimtune stop`; there the exit code is 130.
        """
        from slimtune.sweeper.search.request import HydraApp
        from slimtune.sweeper.search.sweep import run_sweep
        from slimtune.training.errors import SweepStopped, UserError

        assert self.hydra_context is not None
        assert self.task_function is not None
        assert self.config is not None
        app = HydraApp(self.hydra_context, self.task_function, self.config)
        try:
            return run_sweep(app, arguments)
        except (UserError, SweepStopped) as error:
            if self.config.hydra.sweeper.campaign is not None:
                raise
            # Hydra would print a traceback
            print(f"slimtune: {error}", file=sys.stderr)
            sys.exit(INTERRUPTED if isinstance(error, SweepStopped) else BAD_INPUT)
