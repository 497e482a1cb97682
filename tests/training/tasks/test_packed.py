"""Trials of every task that may share a pass get the gradients that each would get alone."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from slimtune.training.config.trial import TrialConfig
from slimtune.training.engine.packing import gradients_alone, packable, packing_of
from slimtune.training.engine.trainer import TrialTrainer
from slimtune.training.hardware.resources import resolve
from slimtune.training.workbench.workbench import workbench_for
from tests.conftest import FakeTrial
from tests.training.tasks.conftest import CASES, Case

PACKABLE = [case for case in CASES if "method=full" not in case.overrides and case.name != "similarity"]


def gradients(trainer: TrialTrainer) -> dict[str, torch.Tensor]:
    return {name: one.grad.clone() for name, one in trainer.model.named_parameters() if one.grad is not None}


@pytest.mark.parametrize("case", PACKABLE, ids=lambda case: case.name)
def test_packed_is_alone(case: Case, config_for: Callable[..., TrialConfig], tmp_path: Path) -> None:
    """Different ranks and orders of rows, in float64, to 1e-10: also where each keeps other positions' logits.

    Llama's norm computes in float32 whatever it is given, so there it is 1e-7.
    """
    tolerance = 1e-7 if "LoRA" in case.name else 1e-10
    configs = [config_for(case, f"method.r={rank}", f"fit.seed={rank}") for rank in (2, 4, 3)]
    resources = resolve(configs[0].fit)
    bench = workbench_for(configs[0], resources)
    bench.base.model.double()

    def trainers() -> list[TrialTrainer]:
        made = [
            TrialTrainer(FakeTrial({}, tmp_path / str(at)), one, bench, resources) for at, one in enumerate(configs)
        ]
        for trainer in made:
            trainer.model.double()
            for name, parameter in trainer.model.named_parameters():
                if "lora_B" in name:
                    torch.nn.init.normal_(parameter, std=0.1, generator=torch.Generator().manual_seed(0))
        return made

    together, alone = trainers(), trainers()
    groups = packing_of(together).gradients(together)
    assert max(len(group) for group in groups) > 1
    for one, other in zip(together, alone, strict=True):
        gradients_alone(other)
        expected = gradients(other)
        assert expected
        for name, gradient in gradients(one).items():
            torch.testing.assert_close(gradient, expected[name], rtol=0, atol=tolerance)


def test_a_loss_over_pairs_runs_alone(config_for: Callable[..., TrialConfig], tmp_path: Path) -> None:
    case = next(case for case in CASES if case.name == "similarity")
    config = config_for(case)
    resources = resolve(config.fit)
    trainer = TrialTrainer(FakeTrial({}, tmp_path), config, workbench_for(config, resources), resources)
    assert packable(trainer) is None
