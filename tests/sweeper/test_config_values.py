from collections.abc import Iterator

import pytest
from hydra import compose, initialize_config_module
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from slimtune.sweeper.config_values import key_repair, plain, unread_keys, with_values
from slimtune.sweeper.sampler_config import SAMPLERS
from slimtune.training.config.method import parse_method
from slimtune.training.config.schema import parse_choice


@pytest.fixture
def loader() -> Iterator[ConfigLoader]:
    with initialize_config_module("slimtune.conf", version_base="1.3"):
        yield GlobalHydra.instance().config_loader()


def config_of(*overrides: str) -> DictConfig:
    return compose("config", overrides=["data.train_file=x.jsonl", *overrides], return_hydra_config=True)


def test_values_are_set_as_composing_anew_would_set_them(loader: ConfigLoader) -> None:
    """Interpolations to them included, and the original stays."""
    config = config_of()
    before = plain(config)
    values = {"data.name": "other", "method.r": 5, "fit.learning_rate": 2.5e-05, "+fit.new": None}
    changed = with_values(config, values, loader)
    assert changed is not None
    lines = ["data.name=other", "method.r=5", "fit.learning_rate=2.5e-05", "+fit.new=null"]
    assert plain(changed) == plain(config_of(*lines))
    assert plain(changed)["search"]["name"] == "other"
    assert plain(config) == before


@pytest.mark.parametrize("values", [{"method": "full"}, {"method.target_modules": "[query,value]"}])
def test_groups_and_structures_are_left_to_hydra(loader: ConfigLoader, values: dict[str, str]) -> None:
    assert with_values(config_of(), values, loader) is None


def test_a_method_may_bring_its_own_learning_rate(loader: ConfigLoader) -> None:
    """One that the user gives wins."""
    del loader
    assert plain(config_of("method=full"))["fit"]["learning_rate"] == 5e-5
    assert plain(config_of("method=full", "fit.learning_rate=1e-4"))["fit"]["learning_rate"] == 1e-4


@pytest.mark.parametrize(
    ("key", "chosen", "said"),
    [
        ("method.r", ["full"], "method=full has no rank: use method=lora"),
        # of the one that has it, or of one of several
        ("method.rank", ["lora"], "did you mean 'method.r'?"),
        ("method.rank", ["lora", "full"], "did you mean 'method.r'?"),
        ("method.rank", ["full"], "method=full has no rank: use method=lora"),
        ("lora_r", ["full", "ia3"], "method=full and method=ia3 have no rank: use method=lora"),
        ("lora_alpha", ["full"], "method=full has no alpha: use method=lora"),
        ("r", ["full"], "method=full has no rank: use method=lora"),
        ("placement", ["lora"], "method=lora has no placement: use method=adapters"),
        ("method.rr", ["full"], "known: method.dropout, method.name"),
        ("dropout", ["full"], "did you mean 'method.dropout'?"),
        ("lora_dropout", ["full"], "did you mean 'method.dropout'?"),
        # an app of the user's own
        ("method.r", ["fast"], "known: method.dropout, method.name"),
    ],
)
def test_a_key_of_another_option_names_what_has_it(key: str, chosen: list[str], said: str) -> None:
    configs = [OmegaConf.create({"method": {"name": name}}) for name in chosen]
    assert key_repair(key, ["method", "method.name", "method.dropout"], configs) == said


def test_a_file_may_have_a_key_of_another_option() -> None:
    values = {"name": "full", "trained_layers": None, "dropout": None, "r": 4}
    assert parse_method(values).problems == ["method.r is not a key; method=full has no rank: use method=lora"]
    (told,) = parse_choice({"name": "random", "n_startup_trials": 3}, SAMPLERS, "search.sampler").problems
    assert told.startswith("search.sampler.n_startup_trials is not a key; search/sampler=random has no n_startup")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("base_model", "model.name_or_path"),
        ("adapter", "method"),
        ("cutoff_len", "data.max_length"),
        ("learning_rate", "fit.learning_rate"),
    ],
)
def test_what_other_tools_call_a_key_is_told_of_a_file_too(name: str, key: str) -> None:
    sections = {"data": {"max_length": 1}, "model": {"name_or_path": "a"}, "method": {"r": 1}}
    fit = {"fit": {"learning_rate": 1}, "space": {"fit": {"learning_rate": {"low": 1}}}}
    (told,) = unread_keys(OmegaConf.create({**sections, **fit, name: 3}))
    assert told == f"{name} is not a key of the config; did you mean '{key}'?"
