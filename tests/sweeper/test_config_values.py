from collections.abc import Iterator

import pytest
from hydra import compose, initialize_config_module
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

from slimtune.sweeper.config_values import plain, with_values


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
