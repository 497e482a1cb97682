"""What stands against CUDA graphs is known, and told."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from slimtune.training.config.trial import parse_trial
from slimtune.training.engine.graphs.graph_plan import GraphPlan, graph_plan
from slimtune.training.hardware.resources import Resources, resolve

ConfigOf = Callable[..., dict[str, Any]]


def plan(config_of: ConfigOf, *more: str, device: str = "cuda", is_compiled: bool = False) -> GraphPlan:
    fit = parse_trial(config_of("fit.device=cpu", *more)).section.fit
    resources: Resources = resolve(fit)._replace(device=torch.device(device))
    return graph_plan(fit, resources, nn.Linear(1, 1), is_compiled=is_compiled)


def test_on_a_gpu_steps_become_graphs(config_of: ConfigOf) -> None:
    assert plan(config_of, "fit.precision=fp32") == (True, None)
    assert plan(config_of, "fit.precision=fp32").told == "true"


def test_each_of_several_devices_has_graphs_of_its_own(config_of: ConfigOf) -> None:
    """A pass is over its own rows; gradients are summed after it. One device would else be faster than two."""
    assert plan(config_of, "fit.precision=fp32", "fit.devices=2") == (True, None)


def test_compiled_layers_become_graphs_where_that_is_asked_for(config_of: ConfigOf) -> None:
    """By themselves trials are either: both together were not tried on a GPU."""
    given = ("fit.precision=fp32", "fit.cuda_graphs=true")
    assert plan(config_of, *given, is_compiled=True) == (True, None)
    assert plan(config_of, "fit.precision=fp32", is_compiled=True).told.endswith("fit.cuda_graphs=true takes both")


@pytest.mark.parametrize(
    ("more", "rest", "is_static", "reason"),
    [
        ([], {"device": "cpu"}, False, "the device is cpu"),
        (["fit.cuda_graphs=true"], {"device": "cpu"}, True, "the device is cpu"),
        (["fit.cuda_graphs=false"], {}, False, "is false"),
        (["fit.devices=2", "fit.fsdp=true"], {}, False, "several devices"),
        ([], {"is_compiled": True}, False, "is compiled"),
    ],
)
def test_what_stands_against_it(
    config_of: ConfigOf,
    more: list[str],
    rest: dict[str, Any],
    is_static: bool,
    reason: str,
) -> None:
    found = plan(config_of, "fit.precision=fp32", *more, **rest)
    assert found.is_static is is_static
    assert reason in (found.reason or "")


def test_the_key_takes_three_words(config_of: ConfigOf) -> None:
    (problem,) = parse_trial(config_of("fit.cuda_graphs=maybe")).problems
    assert "fit.cuda_graphs is 'maybe'; use auto, true or false" in problem
