"""Steps of fixed shapes, as CUDA graphs replay them, come out as steps of whatever shape: here without a graph."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from slimtune.training.config.trial import TrialConfig
from slimtune.training.engine import packing as packing_module
from slimtune.training.engine import trainer as trainer_module
from slimtune.training.engine.graphs import static_calls
from slimtune.training.engine.graphs.graph_plan import GraphPlan
from slimtune.training.engine.packing import gradients_alone, packable, packing_of
from slimtune.training.engine.trainer import TrialTrainer
from slimtune.training.hardware.resources import resolve
from slimtune.training.tracking.reporter import Reporter
from slimtune.training.tracking.run import NullRun
from slimtune.training.workbench.workbench import workbench_for
from tests.conftest import FakeTrial
from tests.training.engine.graphs.fake_graphs import WatchedGraphs
from tests.training.tasks.conftest import CASES, Case

NUM_STEPS = 3
# each shape is captured when it comes for the second time
REPLAYED_STEPS = 6
# of steps of 1e-4, in float64; Llama's and T5's norms compute in float32 whatever they are given
TOLERANCE = 1e-6
# at 1e-2 AdamW makes steps of what rounding leaves of a gradient that is zero
# packed rows have steps of their own in test_row_packing.py
SLOW = ("fit.learning_rate=1e-4", "fit.warmup_share=0", "fit.row_packing=false")
METHODS = {
    "lora": (),
    "adapters": ("method=adapters",),
    "full": ("method=full", "method.dropout=0", "fit.learning_rate=1e-4"),
}
# every task by its own method, and every method over a task of each kind of head
OTHERS = [
    (case, method) for case in CASES if case.name in ("classification", "extraction") for method in ("adapters", "full")
]
PAIRS = [(case, "lora" if "method=full" not in case.overrides else "own") for case in CASES] + OTHERS


def trained(config: TrialConfig, folder: Path, num_steps: int = NUM_STEPS) -> list[torch.Tensor]:
    """The weights after some steps."""
    resources = resolve(config.fit)
    bench = workbench_for(config, resources)
    bench.base.model.double()
    trainer = TrialTrainer(FakeTrial({}, folder), config, bench, resources)
    trainer.model.double()
    if packable(trainer) is not None:
        packing_of([trainer])
    # drawn at other shapes
    for part in trainer.model.modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = 0.0
        if hasattr(part, "attention_dropout"):
            part.attention_dropout = 0.0
    for _ in range(num_steps):
        gradients_alone(trainer)
        trainer.advance(Reporter(NullRun))
    assert trainer.graphs.is_static is (config.fit.cuda_graphs is True)
    return [one.detach().clone() for one in trainer.model.parameters() if one.requires_grad]


@pytest.mark.parametrize(("case", "method"), PAIRS, ids=lambda one: one if isinstance(one, str) else one.name)
def test_the_eager_twin_is_the_ordinary_step(
    case: Case, method: str, config_for: Callable[..., TrialConfig], tmp_path: Path
) -> None:
    """Rows filled up to a bucket's length, labels and kept positions too, in tensors that stay where they are."""
    results = []
    for word in ("false", "true"):
        config = config_for(case, *METHODS.get(method, ()), *SLOW, f"fit.cuda_graphs={word}")
        results.append(trained(config, tmp_path / word))
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize(("case", "method"), PAIRS, ids=lambda one: one if isinstance(one, str) else one.name)
def test_replayed_steps_are_the_eager_twin(
    case: Case, method: str, config_for: Callable[..., TrialConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole steps become graphs for every task, and nothing that a step reads is left behind in them."""
    monkeypatch.setattr(static_calls, "WORTH_CALLS", 0)
    monkeypatch.setattr(static_calls, "WARM_CALLS", 1)
    results, graphs = [], WatchedGraphs()
    monkeypatch.setattr(packing_module, "CudaGraphs", lambda: graphs)
    for replayed in (False, True):
        plan = GraphPlan(is_static=True, reason=None if replayed else "not to be")
        monkeypatch.setattr(trainer_module, "graph_plan", lambda *_, plan=plan, **__: plan)
        config = config_for(case, *METHODS.get(method, ()), *SLOW, "fit.cuda_graphs=true", "fit.epochs=9")
        results.append(trained(config, tmp_path / str(replayed), REPLAYED_STEPS))
    assert graphs.refusals == []
    assert graphs.num_replays > graphs.num_captures > 0
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=TOLERANCE, atol=TOLERANCE)
