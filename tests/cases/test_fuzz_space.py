"""Whatever a space, a sweep or an override says: a result, or a sentence of ours, and never a traceback."""

import logging
from pathlib import Path
from typing import Any

import hydra
import pytest
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from optuna.samplers import RandomSampler

from slimtune.sweeper.cli import main
from slimtune.sweeper.space.dimension import Dimension, edges, num_values, value_id, values_of
from slimtune.sweeper.space.read_space import read_space
from slimtune.sweeper.space.search_space import SearchSpace, num_points_of, point_id, points_of
from slimtune.sweeper.space.sweep_syntax import read_arguments
from slimtune.sweeper.study.distributions import distribution_of
from slimtune.training.errors import ConfigError

numbers = st.one_of(st.integers(), st.integers(-3, 40), st.floats(), st.floats(-2, 2))
scalars = st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=6))
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)
ranges = st.fixed_dictionaries(
    {"type": st.sampled_from(["float", "int"]), "low": numbers, "high": numbers},
    optional={"log": st.booleans() | scalars, "step": numbers | scalars},
)
choices = st.fixed_dictionaries({"type": st.just("choice"), "values": st.lists(values, max_size=4) | values})
dimensions = st.one_of(ranges, choices, values, st.fixed_dictionaries({"type": scalars}))
spaces = st.dictionaries(st.text(max_size=4), st.one_of(dimensions, st.dictionaries(st.text(max_size=3), dimensions)))


def check(dimension: Dimension) -> None:
    """It has ends, its values are counted right, and a sampler can draw from it."""
    distribution = distribution_of(dimension)
    assert len(edges(dimension)) > 0
    drawn = RandomSampler(seed=0).sample_independent(None, None, "x", distribution)  # type: ignore[arg-type]
    number = num_values(dimension)
    if number is not None and number <= 200:
        known = [value_id(value) for value in values_of(dimension)]
        assert len(known) == len(set(known)) == number
        assert value_id(drawn) in known


@given(spaces)
@settings(max_examples=150, deadline=None)
def test_any_space_is_read_or_told(given: dict[str, Any]) -> None:
    space, problems, _ = read_space(given)
    assert all(problem.startswith("space.") for problem in problems)
    for dimension in space.values():
        check(dimension)


@given(st.dictionaries(st.sampled_from("abc"), st.one_of(ranges, choices), max_size=3))
@settings(max_examples=40, deadline=None)
def test_the_points_of_a_finite_space_are_counted(given: dict[str, Any]) -> None:
    space = read_space(given).space
    number = num_points_of(space)
    if number is not None and number <= 300:
        points = {point_id(point) for point in points_of(space)}
        assert len(points) == number == SearchSpace(space).num_points()


@pytest.fixture(scope="module")
def loader() -> ConfigLoader:
    with hydra.initialize_config_module("slimtune.conf", version_base="1.3"):
        return GlobalHydra.instance().config_loader()


typed = ["0", "1", "-1", "8", "1e-3", "1e400", "-inf", "nan", "null", "a", "'a b'", "[1,2]", "{a:1}", "''"]
words = st.one_of(
    st.sampled_from(typed),
    st.text(max_size=5),
    st.integers().map(str),
    st.integers(-3, 20).map(str),
    st.floats().map(repr),
)
lists = st.lists(words, max_size=4).map(",".join)
functions = st.sampled_from(["choice", "range", "interval", "tag", "glob", "int", "sort", "log"])
calls = st.builds("{}({})".format, functions, lists)
sweeps = st.one_of(calls, st.builds("tag(log,{})".format, calls), st.builds("int({})".format, calls), lists)
keys = st.sampled_from(["fit.learning_rate", "method.r", "+x", "++x", "~x", "method", "x@y", "", "fit.seed"])
overrides = st.builds("{}={}".format, keys, sweeps) | st.text(max_size=12)


@given(st.lists(overrides, max_size=3))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_sweep_syntax_is_read_or_told(loader: ConfigLoader, given: list[str]) -> None:
    try:
        found = read_arguments(given, loader)
    except (ConfigError, HydraException):
        return
    for dimension in found.space.values():
        check(dimension)


@given(st.lists(overrides, min_size=1, max_size=3), st.sampled_from(["sweep", "train"]))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_override_is_composed_or_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, given: list[str], word: str
) -> None:
    """There are no rows, so that nothing is trained: each ends with exit code 2 and one message."""
    fixed = ["data=file", "data.train_file=absent.jsonl", f"hydra.sweep.dir={tmp_path}", f"hydra.run.dir={tmp_path}"]
    given = [one for one in given if not one.startswith("-") and "/" not in one]
    logging.disable(logging.CRITICAL)
    try:
        assert main([word, *fixed, *given]) == 2
    finally:
        logging.disable(logging.NOTSET)
    said = capsys.readouterr().err
    assert said.startswith("slimtune: ")
    assert "Traceback" not in said
