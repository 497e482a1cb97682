from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from slimtune.training.config.trial import parse_trial
from slimtune.training.hardware.resources import resolve
from slimtune.training.methods import method_of
from slimtune.training.workbench import prepared_data
from slimtune.training.workbench.model_costs import CostMeter
from slimtune.training.workbench.workbench import trainable, workbench_for


@pytest.mark.parametrize("method", ["lora_bert", "full", "adapters", "ia3"])
def test_costs_are_those_of_the_model_that_is_trained_and_merged(
    method: str, config_of: Callable[..., dict[str, Any]]
) -> None:
    """Without making it."""
    values = config_of(f"method={method}")
    found = CostMeter().look(values)
    config = parse_trial(values).section
    model = trainable(method_of(config.method), workbench_for(config, resolve(config.fit)))
    assert found.trained_parameters == sum(one.numel() for one in model.parameters() if one.requires_grad)
    merged: Any = method_of(config.method).merge(model)
    assert found.size_mb == pytest.approx(4 * sum(one.numel() for one in merged.parameters()) / 1e6)


@pytest.mark.parametrize("method", ["prompt_tuning", "prefix_tuning"])
def test_virtual_tokens_are_counted_with_the_weights(method: str, config_of: Callable[..., dict[str, Any]]) -> None:
    costs = CostMeter().look(config_of(f"method={method}"))
    assert costs.size_mb > CostMeter().look(config_of("method=lora_bert")).size_mb
    assert CostMeter().latency_ms(costs) > 0


def test_ranks_make_one_architecture_and_models_another(config_of: Callable[..., dict[str, Any]]) -> None:
    """A rank is merged away, whatever adapters begin with; an adapter's bottleneck stays."""
    look = CostMeter().look
    rank = [look(config_of("method=lora_bert", f"method.r={r}")) for r in (4, 8)]
    pissa = look(config_of("method=lora_bert", "method.init_lora_weights=pissa"))
    assert rank[0].architecture == rank[1].architecture == pissa.architecture
    assert rank[0].trained_parameters < rank[1].trained_parameters
    assert look(config_of("method=adapters")).architecture != rank[0].architecture


def test_timing_changes_nothing_of_the_process(config_of: Callable[..., dict[str, Any]]) -> None:
    """Neither the generator that trials draw from nor the threads that they run on."""
    torch.manual_seed(3)
    expected = torch.rand(2).tolist()
    threads = torch.get_num_threads()
    torch.manual_seed(3)
    meter = CostMeter()
    assert 0 < meter.latency_ms(meter.look(config_of())) < 1000
    assert torch.rand(2).tolist() == expected
    assert torch.get_num_threads() == threads


def test_what_models_are_made_of_is_read_once(
    config_of: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Trials of one model differ in their method and fit alone."""
    meter = CostMeter()
    meter.look(config_of())
    monkeypatch.setattr(prepared_data, "read_splits", None)
    meter.look(config_of("method.r=4", "fit.learning_rate=0.1"))
