"""What every method has trained is what is exported."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slimtune.export.config import export_problems
from slimtune.export.pipeline import export_checkpoint
from slimtune.sweeper.checks import problems_of
from slimtune.training.config.trial import parse_trial
from slimtune.training.trial import Completed
from slimtune.training.worker.run import run_trial
from tests.conftest import FakeTrial
from tests.export.conftest import export_config


@pytest.mark.slow
@pytest.mark.usefixtures("untimed")
@pytest.mark.parametrize(
    "more",
    [
        ("method=adapters", "method.placement=houlsby", "method.reduction_factor=4"),
        ("method=ia3", "fit.learning_rate=3e-2"),
        ("method=lora", "method.use_dora=true"),
        ("method=lora", "method.init_lora_weights=pissa"),
        ("method=qlora",),
        ("method=full", "method.trained_layers=1"),
    ],
    ids=" ".join,
)
def test_the_graph_computes_what_was_trained(
    more: tuple[str, ...], config_of: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """Merged, or with the adapters as layers of the graph."""
    outcome = run_trial(FakeTrial(config_of(*more, "fit.precision=fp32"), tmp_path / "trial"))
    assert isinstance(outcome, Completed), outcome
    exported = export_checkpoint(outcome.checkpoint, config=export_config(variants=[]), folder=tmp_path / "export")
    fp32 = exported.reports[1]
    assert fp32.name == "fp32"
    assert fp32.max_logit_gap < 1e-3
    assert fp32.agreement == 1.0
    assert exported.bundle is not None


@pytest.mark.parametrize("method", ["prompt_tuning", "prefix_tuning"])
def test_what_cannot_be_exported_is_told_before_the_first_trial(
    method: str, config_of: Callable[..., dict[str, Any]]
) -> None:
    values = config_of(f"method={method}", "export=onnx")
    assert any("have no weights; use export=none" in problem for problem in problems_of(values))
    assert export_problems(parse_trial(values).section, export_config())
