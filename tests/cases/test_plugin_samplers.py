"""The samplers of Hydra's Optuna sweeper, versions 1.3 and 1.4, by that plugin's names and options."""

from collections.abc import Callable
from typing import Any

import pytest

from slimtune.training.errors import ConfigError
from tests.cases.plugin_app import HEAD, KEYS, VALUES, App, app_fixture  # noqa: F401


def test_p1_its_sampler_group_and_its_overrides(app: Callable[..., App]) -> None:
    text = HEAD + "  - override hydra/sweeper/sampler: tpe\n" + KEYS + VALUES
    request = app(text).read("hydra.sweeper.sampler.seed=1", "hydra.sweeper.sampler.n_startup_trials=3")
    sampler: Any = request.search.sampler
    assert (sampler.name, sampler.n_startup_trials) == ("tpe", 3)
    assert request.search.config.seed == 1
    search = app(text).read("hydra/sweeper/sampler=random", "hydra.sweeper.sampler.seed=2").search
    assert (search.sampler.name, search.config.seed) == ("random", 2)
    sampler = app(text).read("hydra/sweeper/sampler=motpe").search.sampler
    assert (sampler.name, sampler.n_startup_trials) == ("tpe", 10)
    own = "hydra.sweeper.search.sampler.n_startup_trials=4"
    sampler = app(HEAD + KEYS + VALUES).read(own, "hydra.sweeper.sampler.n_startup_trials=6").search.sampler
    assert (sampler.name, sampler.n_startup_trials) == ("tpe", 6)


def test_p1_a_sampler_may_be_named_by_its_class(app: Callable[..., App]) -> None:
    named = KEYS.replace("{seed: 7}", "{_target_: optuna.samplers.RandomSampler, seed: 3}")
    request = app(HEAD + named + VALUES).read()
    assert (request.search.sampler.name, request.search.config.seed) == ("random", 3)


@pytest.mark.parametrize(
    ("group", "name"),
    [
        ("tpe", "tpe"),
        ("random", "random"),
        ("cmaes", "cmaes"),
        ("nsgaii", "nsga2"),
        ("nsgaiii", "nsga3"),
        ("motpe", "tpe"),
        ("grid", "grid"),
        ("gp", "gp"),
        ("qmc", "qmc"),
    ],
)
def test_p1_each_of_its_groups_with_its_defaults(app: Callable[..., App], group: str, name: str) -> None:
    search = app(HEAD + KEYS + VALUES).read(f"hydra/sweeper/sampler={group}").search
    assert search.sampler.name == name


@pytest.mark.parametrize(
    ("group", "option", "own", "value"),
    [
        ("tpe", "group=true", "group", True),
        ("tpe", "n_ei_candidates=12", "n_ei_candidates", 12),
        ("cmaes", "popsize=6", "population_size", 6),
        ("nsgaiii", "mutation_prob=0.3", "mutation_probability", 0.3),
        ("gp", "n_startup_trials=3", "n_startup_trials", 3),
        ("qmc", "qmc_type=halton", "sequence", "halton"),
    ],
)
def test_p1_an_option_keeps_its_meaning(app: Callable[..., App], group: str, option: str, own: str, value: Any) -> None:
    overrides = (f"hydra/sweeper/sampler={group}", f"hydra.sweeper.sampler.{option}")
    assert getattr(app(HEAD + KEYS + VALUES).read(*overrides).search.sampler, own) == value


@pytest.mark.parametrize(
    ("made_by", "name"), [("_impl.create_nsgaii_sampler", "nsga2"), ("_impl.create_nsgaiii_sampler", "nsga3")]
)
def test_p1_what_version_1_4_makes_its_samplers_with(app: Callable[..., App], made_by: str, name: str) -> None:
    target = f"hydra.sweeper.sampler._target_=hydra_plugins.hydra_optuna_sweeper.{made_by}"
    assert app(HEAD + KEYS + VALUES).read(target).search.sampler.name == name


@pytest.mark.parametrize(
    ("group", "option"),
    [("cmaes", "with_margin=true"), ("gp", "deterministic_objective=true"), ("tpe", "constant_liar=true")],
)
def test_p1_an_option_that_is_not_there_is_refused(app: Callable[..., App], group: str, option: str) -> None:
    with pytest.raises(ConfigError, match=option.partition("=")[0]):
        app(HEAD + KEYS + VALUES).read(f"hydra/sweeper/sampler={group}", f"hydra.sweeper.sampler.{option}")
