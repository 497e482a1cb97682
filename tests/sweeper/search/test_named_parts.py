import pytest

from slimtune.sweeper.pruner_config import PRUNERS, parse_pruner
from slimtune.sweeper.sampler_config import SAMPLERS
from slimtune.sweeper.search.named_parts import values_of_file, with_named_parts
from slimtune.training.config.schema import parse_choice

TPE = {"name": "tpe", "n_startup_trials": 5, "n_ei_candidates": 24, "multivariate": True, "group": False}
HALVING = {"name": "successive_halving", "min_examples": None, "reduction_factor": 2}


@pytest.mark.parametrize("name", sorted(SAMPLERS))
def test_every_sampler_is_whole_by_its_name(name: str) -> None:
    parts = with_named_parts({"sampler": name, "pruner": HALVING})
    assert parse_choice(parts["sampler"], SAMPLERS, "search.sampler").problems == []
    assert parts["pruner"] == HALVING


@pytest.mark.parametrize("name", sorted(PRUNERS))
def test_every_pruner_is_whole_by_its_name(name: str) -> None:
    """With those that its file puts inside."""
    parts = with_named_parts({"sampler": TPE, "pruner": name})
    assert parse_pruner(parts["pruner"], "search.pruner").problems == []


def test_what_the_default_left_behind_is_dropped() -> None:
    """Hydra merges a mapping into the one that is there; a key that is nobody's is still told."""
    parts = with_named_parts({"sampler": TPE | {"name": "gp", "n_startup_trials": 3}, "pruner": HALVING})
    assert parts["sampler"] == {"name": "gp", "n_startup_trials": 3}
    parts = with_named_parts({"sampler": TPE | {"name": "gp", "sigma": 3}, "pruner": HALVING})
    assert parts["sampler"]["sigma"] == 3
    parts = with_named_parts({"sampler": TPE, "pruner": HALVING | {"name": "percentile", "keep_percent": 30}})
    assert parts["pruner"] == {"name": "percentile", "keep_percent": 30, "n_startup_trials": 5, "n_warmup_examples": 0}


def test_an_unknown_name_is_left_to_be_told() -> None:
    assert with_named_parts({"sampler": "gq", "pruner": None}) == {"sampler": "gq", "pruner": None}
    assert values_of_file("sampler", "../default") is None
