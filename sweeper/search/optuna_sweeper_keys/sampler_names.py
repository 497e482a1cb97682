"""The samplers of Hydra's Optuna sweeper under slimtune's names."""

from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any, NamedTuple

from slimtune.sweeper.sampler_config import SAMPLERS
from slimtune.training.errors import ConfigError

KEY = "hydra.sweeper.sampler"
TARGET, SEED, DEFAULT = "_target_", "seed", "TPESampler"
# of an option that is always handed on
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
    "group": NEVER,
    "constant_liar": False,
    "constraints_func": None,
}
EVOLUTION = {
    "population_size": NEVER,
    "mutation_prob": None,
    "crossover_prob": NEVER,
    "swapping_prob": NEVER,
    "mutation": None,
    "crossover": None,
    "constraints_func": None,
}
BY_REFERENCE = {"reference_points": None, "dividing_parameter": 3}
RENAMED = {
    "mutation_prob": "mutation_probability",
    "crossover_prob": "crossover_probability",
    "swapping_prob": "swapping_probability",
}
# to add one: its class in Optuna, its name in `sampler_config.SAMPLERS`, its options
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
            "n_startup_trials": 1,
            "restart_strategy": None,
            "popsize": NEVER,
            "use_separable_cma": False,
            "with_margin": False,
            "lr_adapt": False,
            "source_trials": None,
        },
        {"popsize": "population_size"},
    ),
    "NSGAIISampler": PluginSampler("nsga2", EVOLUTION, RENAMED),
    "NSGAIIISampler": PluginSampler("nsga3", EVOLUTION | BY_REFERENCE, RENAMED),
    "GPSampler": PluginSampler(
        "gp",
        {
            "n_startup_trials": NEVER,
            "independent_sampler": None,
            "deterministic_objective": False,
            "constraints_func": None,
        },
    ),
    "QMCSampler": PluginSampler(
        "qmc",
        {"qmc_type": NEVER, "scramble": NEVER, "independent_sampler": None},
        {"qmc_type": "sequence"},
    ),
}
# what version 1.4 makes its samplers with
MADE_BY = {
    "create_nsgaii_sampler": "NSGAIISampler",
    "create_nsgaiii_sampler": "NSGAIIISampler",
    "raise_motpe_removed": "MOTPESampler",
}
# of no sampler, of how it is made, or without a meaning beside what is refused; the model of slimtune's tpe is
# multivariate in any case
OF_ALL = {
    TARGET,
    "_partial_",
    "_convert_",
    SEED,
    "inc_popsize",
    "multivariate",
    "warn_asynchronous_seeding",
    "warn_independent_sampling",
}


def sampler_values(
    settings: Mapping[str, Any], own: Mapping[str, Any], defaults: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """The section `search.sampler` that means the same as that plugin's `sampler`.

    Args:
        settings: Its options; null is not set.
        own: That section as it is, which holds where no other sampler is named.
        defaults: The options of slimtune's samplers, by name.

    Raises:
        ConfigError: There is no such sampler, or it has an option that slimtune's has not.
    """
    given = {str(key): value for key, value in settings.items() if value is not None}
    if TARGET not in given and own.keys() >= given.keys() - {SEED}:
        return {**own, **{key: value for key, value in given.items() if key != SEED}}
    made_by = str(given.get(TARGET, DEFAULT)).rpartition(".")[2]
    sampler = _sampler(MADE_BY.get(made_by, made_by), defaults)
    known = {field.name for field in fields(SAMPLERS[sampler.name])} - {"name"}
    named = {sampler.renamed.get(key, key): key for key in given if key != SEED}
    changed = {
        name: given[key]
        for name, key in named.items()
        if (key not in OF_ALL or name in known) and sampler.options.get(key, NEVER) != given[key]
    }
    problems = [
        f"{KEY}.{named[name]} is {value!r}, and slimtune's {sampler.name} has no such option; leave it out"
        for name, value in changed.items()
        if name not in known
    ]
    if problems:
        raise ConfigError(problems)
    return {**defaults[sampler.name], **changed}


def _sampler(name: str, defaults: Mapping[str, Mapping[str, Any]]) -> PluginSampler:
    usable = {other: one for other, one in BY_CLASS.items() if one.name in SAMPLERS and one.name in defaults}
    if name not in usable:
        known = ", ".join(dict.fromkeys(one.name for one in usable.values()))
        raise ConfigError([f"{KEY} is {name}, which slimtune does not have; there are {known}"])
    return usable[name]
