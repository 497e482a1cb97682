"""The samplers of Hydra's Optuna sweeper under slimtune's names."""

from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any, NamedTuple

from slimtune.sweeper.search_config import SAMPLERS
from slimtune.training.errors import ConfigError

KEY = "hydra.sweeper.sampler"
NEVER = object()


class PluginSampler(NamedTuple):
    """One of that plugin's samplers.

    Attributes:
        name: The sampler of slimtune that does the same.
        options: That plugin's options with their defaults, as far as they change what is suggested. One that is
            slimtune's too is handed on, one with its default is left out, any other is refused.
        renamed: Slimtune's names of those that have another one here.
    """

    name: str
    options: Mapping[str, Any]
    renamed: Mapping[str, str] = MappingProxyType({})


PARZEN = {
    "consider_prior": True,
    "prior_weight": 1.0,
    "consider_magic_clip": True,
    "consider_endpoints": False,
    "n_startup_trials": NEVER,
    "n_ei_candidates": 24,
    "n_ehvi_candidates": 24,
    "multivariate": False,
    "group": False,
    "constant_liar": False,
}
EVOLUTION = {
    "population_size": NEVER,
    "mutation_prob": None,
    "crossover_prob": NEVER,
    "swapping_prob": NEVER,
    "constraints_func": None,
}
RENAMED = {
    "mutation_prob": "mutation_probability",
    "crossover_prob": "crossover_probability",
    "swapping_prob": "swapping_probability",
}
# to add one: its class in Optuna, its name in `search_config.SAMPLERS`, its options
BY_CLASS = {
    "TPESampler": PluginSampler("tpe", PARZEN),
    # Optuna has made it one with TPESampler
    "MOTPESampler": PluginSampler("tpe", PARZEN),
    "RandomSampler": PluginSampler("random", {}),
    "GridSampler": PluginSampler("grid", {"search_space": None}),
    "CmaEsSampler": PluginSampler(
        "cmaes",
        {
            "x0": None,
            "sigma0": None,
            "independent_sampler": None,
            "consider_pruned_trials": False,
            "restart_strategy": None,
            "inc_popsize": 2,
            "use_separable_cma": False,
            "source_trials": None,
        },
    ),
    "NSGAIISampler": PluginSampler("nsga2", EVOLUTION, RENAMED),
    "NSGAIIISampler": PluginSampler("nsga3", EVOLUTION, RENAMED),
    "GPSampler": PluginSampler("gp", {}),
    "QMCSampler": PluginSampler("qmc", {"qmc_type": NEVER, "scramble": NEVER}, {"qmc_type": "sequence"}),
}
# of no sampler, or of how it is made; the model of slimtune's tpe is multivariate in any case
OF_ALL = {"_target_", "_partial_", "_convert_", "seed", "warn_independent_sampling", "multivariate"}


def sampler_values(settings: Mapping[str, Any], defaults: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The section `search.sampler` that means the same as that plugin's `sampler`.

    Args:
        settings: Its options; null is not set.
        defaults: The options of slimtune's samplers, by name.

    Raises:
        ConfigError: There is no such sampler, or it has an option that slimtune's has not.
    """
    given = {str(key): value for key, value in settings.items() if value is not None}
    target = str(given.get("_target_", "optuna.samplers.TPESampler")).rpartition(".")[2]
    usable = {name: one for name, one in BY_CLASS.items() if one.name in SAMPLERS and one.name in defaults}
    if target not in usable:
        known = ", ".join(dict.fromkeys(one.name for one in usable.values()))
        raise ConfigError(
            [f"{KEY} is {target}, which slimtune does not have; use hydra/sweeper/sampler= one of {known}"]
        )
    sampler = usable[target]
    own = {field.name for field in fields(SAMPLERS[sampler.name])} - {"name"}
    named = {sampler.renamed.get(key, key): key for key in given if key != "seed"}
    changed = {
        name: given[key]
        for name, key in named.items()
        if (key not in OF_ALL or name in own) and sampler.options.get(key, NEVER) != given[key]
    }
    problems = [
        f"{KEY}.{named[name]} is {value!r}, and slimtune's {sampler.name} has no such option; leave it out"
        for name, value in changed.items()
        if name not in own
    ]
    if problems:
        raise ConfigError(problems)
    return {**defaults[sampler.name], **changed}
