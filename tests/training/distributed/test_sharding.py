"""Weights shared out over the ranks of a trial: two processes on one machine."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import multiprocessing

from slimtune.training.checkpoints.checkpoint import open_checkpoint
from slimtune.training.config.trial import parse_trial
from slimtune.training.distributed.process_group import DistributedGroup, rank_environment
from slimtune.training.distributed.sharding import gathered, local_part, shard, shared_out, whole
from slimtune.training.trial import Completed, Failed, Report, Verdict
from tests.conftest import FakeTrial, run_afresh
from tests.training.conftest import rank_of

ConfigOf = Callable[..., dict[str, Any]]
SHARED = ("fit.devices=2", "fit.fsdp=true")


@pytest.mark.usefixtures("forked_ranks")
@pytest.mark.parametrize(
    "more",
    [
        # the last batch of an epoch has one row, others two passes on one rank and one on the other
        ("method=full", "method.dropout=0", "fit.batch_size=83", "fit.micro_batch_size=41", "fit.max_grad_norm=0.1"),
        ("method=lora", "fit.batch_size=7", "fit.micro_batch_size=2", "fit.gradient_checkpointing=true"),
        ("method=adapters", "method.dropout=0", "fit.batch_size=16"),
    ],
    ids=" ".join,
)
def test_it_reports_what_one_process_reports(more: tuple[str, ...], config_of: ConfigOf, tmp_path: Path) -> None:
    """Same losses, same scores, and a checkpoint that is as whole and as good."""
    trials, logits = [], []
    for number, devices in enumerate([("fit.devices=1",), SHARED]):
        trial = FakeTrial(config_of("fit.precision=fp32", "fit.epochs=2", *more, *devices), tmp_path / str(number))
        outcome = run_afresh(trial)
        assert isinstance(outcome, Completed), outcome
        trials.append(trial)
        ids_BT = torch.arange(5, 25).reshape(2, 10)
        with torch.inference_mode():
            logits.append(open_checkpoint(outcome.checkpoint).model()(input_ids=ids_BT).logits)
    assert trials[0].reports.keys() == trials[1].reports.keys()
    for milestone, metrics in trials[0].reports.items():
        for name in ("train/loss", "validation/loss", "train/gradient_norm"):
            if name in metrics:
                assert trials[1].reports[milestone][name] == pytest.approx(metrics[name], rel=1e-3), (milestone, name)
    torch.testing.assert_close(logits[0], logits[1], rtol=1e-3, atol=1e-3)


class DeadlyTrial(FakeTrial):
    """Kills a rank at the second report."""

    def report(self, examples_seen: int, report: Report) -> Verdict:
        verdict = super().report(examples_seen, report)
        if len(self.reports) == 2:
            rank_of("rank 1").kill()
        return verdict


@pytest.mark.usefixtures("forked_ranks")
def test_a_killed_trial_goes_on_with_its_parts(config_of: ConfigOf, tmp_path: Path) -> None:
    """Weights and moments are saved whole, and every rank takes its parts of them."""
    config = config_of(
        "method=full", "method.dropout=0", "fit.batch_size=28", "fit.epochs=3", "fit.save_minutes=0", *SHARED
    )
    unbroken = FakeTrial(config, tmp_path / "unbroken")
    assert isinstance(run_afresh(unbroken), Completed)
    deadly = DeadlyTrial(config, tmp_path / "killed")
    assert isinstance(run_afresh(deadly), Failed)
    resumed = FakeTrial(config, tmp_path / "killed")
    assert isinstance(run_afresh(resumed), Completed)
    assert resumed.reports.keys() == unbroken.reports.keys()
    for milestone, metrics in unbroken.reports.items():
        assert resumed.reports[milestone]["validation/loss"] == metrics["validation/loss"]


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (("fit.devices=1",), "fit.devices is 1: there is nothing to share"),
        (("fit.devices=2", "fit.optimizer=adafactor"), "fit.optimizer is adafactor; use adamw"),
        (("fit.devices=2", "fit.precision=fp16"), "fit.precision is fp16; use bf16 or fp32"),
        (("fit.devices=2", "fit.compile=true"), "fit.compile is true; use false"),
        (("fit.devices=2", "method=qlora"), "the base is quantized"),
        (("fit.devices=2", "method=prompt_tuning"), "method is prompt_tuning; use lora"),
    ],
    ids=str,
)
def test_what_cannot_be_shared_out_is_refused(more: tuple[str, ...], problem: str, config_of: ConfigOf) -> None:
    problems = parse_trial(config_of("fit.fsdp=true", *more)).problems
    assert [text for text in problems if text.startswith(f"fit.fsdp is true, and {problem}")], problems


class Layers(torch.nn.Module):
    """Four layers and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList([torch.nn.Linear(6, 6) for _ in range(4)])
        self.head = torch.nn.Linear(6, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = torch.tanh(layer(x))
        scores: torch.Tensor = self.head(x)
        return scores


def in_two_processes(rank: int, port: int) -> None:
    os.environ.update(rank_environment(rank, 2, port))
    torch.manual_seed(0)
    group = DistributedGroup(cpu=True)
    model = Layers()
    before = {name: one.detach().clone() for name, one in model.named_parameters()}
    x_BI = torch.randn(2, 6)
    expected_BC = model(x_BI)
    gradients = torch.autograd.grad(expected_BC.sum(), list(model.parameters()))
    shard(model, torch.device("cpu"), group.size)
    held = sum(local_part(parameter).numel() for parameter in model.parameters())
    assert held <= 0.55 * sum(one.numel() for one in before.values()) + 8, held
    for name, parameter in model.named_parameters():
        full = gathered(parameter, here=group.leads)
        assert torch.equal(full, before[name]) if group.leads else full.numel() == 0
        part = shared_out(before[name], parameter)
        assert torch.equal(local_part(part), local_part(parameter))
    for _ in range(2):
        model.zero_grad()
        # a row each
        model(x_BI[rank : rank + 1]).sum().backward()
        for parameter, gradient in zip(model.parameters(), gradients, strict=True):
            torch.testing.assert_close(parameter.grad.full_tensor(), gradient)
        with whole(model, here=group.leads):
            if group.leads:
                assert all(torch.equal(one, before[name]) for name, one in model.named_parameters())
                torch.testing.assert_close(model(x_BI), expected_BC)
    assert sum(local_part(parameter).numel() for parameter in model.parameters()) == held
    group.wait()


def test_each_rank_holds_its_part() -> None:
    """Half of the elements on each of two; gathered and whole are all of them."""
    from slimtune.training.worker.rank_launcher import _free_port

    multiprocessing.spawn(in_two_processes, args=(_free_port(),), nprocs=2)
