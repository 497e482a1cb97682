"""Trials whose tensors lie in one bank are moved as each would be by its own optimizer."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from slimtune.training.config.trial import parse_trial
from slimtune.training.engine.packing import Packing, gradients_alone, packable, packing_of
from slimtune.training.engine.trainer import TrialTrainer
from slimtune.training.errors import Diverged
from slimtune.training.hardware.resources import resolve
from slimtune.training.tracking.reporter import Reporter
from slimtune.training.tracking.run import NullRun
from slimtune.training.workbench.workbench import workbench_for
from tests.conftest import FakeTrial

Make = Callable[..., TrialTrainer]
REPORTER = Reporter(NullRun)
DECAYING = ("fit.weight_decay=0.1", "fit.max_grad_norm=0.05", "fit.head_lr_ratio=3", "fit.loraplus_lr_ratio=4")


@pytest.fixture
def make(config_of: Callable[..., dict[str, Any]], tmp_path: Path) -> Make:
    def make_one(*more: str) -> TrialTrainer:
        values = config_of("fit.precision=fp32", "fit.epochs=3", "fit.slots=2", *more)
        config = parse_trial(values).section
        resources = resolve(config.fit)
        trainer = TrialTrainer(FakeTrial(values, tmp_path), config, workbench_for(config, resources), resources)
        trainer.model.double()
        return trainer

    return make_one


def trained(trainer: TrialTrainer) -> dict[str, torch.Tensor]:
    named = trainer.model.named_parameters()
    return {name: one.detach().clone() for name, one in named if one.requires_grad}


def tick(packing: Packing, trainers: Sequence[TrialTrainer]) -> None:
    packing.gradients(trainers)
    for trainer in trainers:
        trainer.advance(REPORTER)


def same(ours: TrialTrainer, theirs: TrialTrainer) -> None:
    for name, tensor in trained(theirs).items():
        torch.testing.assert_close(trained(ours)[name], tensor, rtol=1e-10, atol=1e-10)


def test_decay_clipping_and_ratios_are_each_trials_own(make: Make) -> None:
    settings = (DECAYING, ("method.r=3",))
    together, alone = [make(*more) for more in settings], [make(*more) for more in settings]
    packing = packing_of(together)
    for _ in range(5):
        tick(packing, together)
        for trainer in alone:
            gradients_alone(trainer)
            trainer.advance(REPORTER)
    for ours, theirs in zip(together, alone, strict=True):
        same(ours, theirs)


def test_one_that_diverges_is_not_moved_and_the_others_are(make: Make) -> None:
    bad, good, alone = make(), make("method.r=3"), make("method.r=3")
    packing = packing_of([bad, good])
    tick(packing, [bad, good])
    with torch.no_grad():
        next(one for name, one in bad.model.named_parameters() if "lora_B" in name).fill_(torch.nan)
    before = trained(bad)
    packing.gradients([bad, good])
    with pytest.raises(Diverged):
        bad.advance(REPORTER)
    good.advance(REPORTER)
    torch.testing.assert_close(trained(bad), before, rtol=0, atol=0, equal_nan=True)
    for _ in range(2):
        gradients_alone(alone)
        alone.advance(REPORTER)
    same(good, alone)


@pytest.mark.parametrize("optimizer", ["adamw", "adafactor"])
def test_trials_come_and_go_in_the_middle_of_a_batch(make: Make, optimizer: str) -> None:
    """Gradients and moments so far go with whoever stays; a new one may bring a larger rank."""
    given = (f"fit.optimizer={optimizer}",)
    halves = ("fit.batch_size=8", "fit.micro_batch_size=4", *given)
    stays, goes, comes, alone = make(*halves), make(*given), make("method.r=16", *given), make(*halves)
    packing = packing_of([stays, goes])
    packing.gradients([stays, goes])
    goes.advance(REPORTER)
    stays.advance(REPORTER)
    left = trained(goes)
    packing.leave(goes)
    parts = packable(comes)
    assert parts is not None
    packing.join(comes, parts)
    for _ in range(4):
        tick(packing, [stays, comes])
    for _ in range(5):
        gradients_alone(alone)
        alone.advance(REPORTER)
    same(stays, alone)
    for name, tensor in trained(goes).items():
        assert torch.equal(tensor, left[name])
    assert all(one.is_contiguous() for one in goes.model.parameters())


def test_what_is_saved_is_what_a_trial_alone_would_save(make: Make) -> None:
    """The same names, shapes and numbers of steps, so that a state goes from one to the other and back."""
    packed, alone = make(), make()
    packing = packing_of([packed])
    for _ in range(3):
        tick(packing, [packed])
        gradients_alone(alone)
        alone.advance(REPORTER)
    ours, theirs = packed.stepper.state(), alone.stepper.state()
    assert ours.facts == theirs.facts
    assert ours.tensors.keys() == theirs.tensors.keys()
    for name, tensor in theirs.tensors.items():
        torch.testing.assert_close(ours.tensors[name], tensor, rtol=1e-8, atol=1e-12)
