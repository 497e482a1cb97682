"""Objectives that no trial of a sweep can differ in, told before its first one."""

from collections.abc import Mapping
from typing import Any

import pytest

from slimtune.sweeper.campaigns.own_model import equal_objective_notes
from slimtune.training.workbench.model_costs import CostMeter, ModelCosts
from tests.cases.sweep_requests import RequestOf, request_of

__all__ = ["request_of"]

SIZE, TRAINED = "search.objectives=[accuracy,size_mb]", "search.objectives=[accuracy,trained_parameters]"


class KnownMeter(CostMeter):
    """Knows what models cost by what adapters add, and by whether the base is drawn anew."""

    def look(self, values: Mapping[str, Any]) -> ModelCosts:
        method, data = values["method"], values["data"]
        trained = method["r"] if method["name"] == "lora" else 1000
        return ModelCosts(f"shape {data['max_length']}", 90.0, trained, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([SIZE, "method=lora,full"], "size_mb is the same in all trials, so that the search goes by accuracy alone"),
        ([SIZE, "method.r=4,8"], "search model.name_or_path or the keys of model.scratch"),
        ([TRAINED, "method=full", "fit.batch_size=8,16"], "trained_parameters is the same in all trials"),
        ([TRAINED, "method.r=4", "fit.batch_size=8,16"], "search method, or with one method its size"),
        (["search.objectives=[latency_ms]", "method.r=4,8"], "so that no trial is better than another"),
    ],
)
def test_an_objective_that_is_the_same_in_all_trials_is_told(
    given: list[str], said: str, request_of: RequestOf
) -> None:
    """With what would make it differ."""
    (note,) = equal_objective_notes(request_of(*given), KnownMeter())
    assert said in note


@pytest.mark.parametrize(
    "given",
    [
        [TRAINED, "method=lora,full"],
        [TRAINED, "method=lora", "method.r=range(4,9)"],
        ["search.objectives=[accuracy,latency_ms]", "data.max_length=16,32"],
        ["search.objectives=[accuracy,seconds]", "fit.batch_size=8,16"],
        ["fit.batch_size=8,16"],
    ],
)
def test_one_that_can_differ_is_not(given: list[str], request_of: RequestOf) -> None:
    assert equal_objective_notes(request_of(*given), KnownMeter()) == []
