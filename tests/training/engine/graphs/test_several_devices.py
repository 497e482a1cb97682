"""Each of several devices takes passes of fixed shapes over its own rows; their gradients add up to those of one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from slimtune.training.config.trial import parse_trial
from slimtune.training.distributed.process_group import ProcessGroup
from slimtune.training.engine import trainer as trainer_module
from slimtune.training.engine.graphs.graph_plan import GraphPlan
from slimtune.training.engine.packing import gradients_alone
from slimtune.training.engine.trainer import TrialTrainer
from slimtune.training.hardware.resources import resolve
from slimtune.training.workbench.workbench import workbench_for
from tests.conftest import FakeTrial


class Rank(ProcessGroup):
    """One of some; it exchanges nothing."""

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size


def test_gradients_of_static_passes_add_up(
    config_of: Callable[..., dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gradients(rank: int, size: int, *, is_static: bool) -> list[torch.Tensor]:
        plan = GraphPlan(is_static=is_static, reason="not to be")
        monkeypatch.setattr(trainer_module, "graph_plan", lambda *_, **__: plan)
        values = config_of("fit.precision=fp32", "method=full", "method.dropout=0", "fit.batch_size=12")
        config = parse_trial(values).section
        resources = resolve(config.fit)
        bench = workbench_for(config, resources)
        trainer = TrialTrainer(FakeTrial(values, tmp_path), config, bench, resources._replace(group=Rank(rank, size)))
        trainer.model.double().eval()
        gradients_alone(trainer)
        assert trainer.stepper.complete
        return [one.grad if one.grad is not None else torch.zeros_like(one) for one in trainer.stepper.trained]

    first, second = (gradients(rank, 2, is_static=True) for rank in (0, 1))
    for ours, theirs, whole in zip(first, second, gradients(0, 1, is_static=False), strict=True):
        torch.testing.assert_close(ours + theirs, whole, rtol=1e-9, atol=1e-9)
