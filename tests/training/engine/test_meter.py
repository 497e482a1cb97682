"""What is told of a trial's steps is counted once: of the rows that this process took, by the passes that counted."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from slimtune.training.config.trial import parse_trial
from slimtune.training.distributed.process_group import ProcessGroup
from slimtune.training.engine import packing as packing_module
from slimtune.training.engine.meter import Meter
from slimtune.training.engine.packing import gradients_that_fit, packing_of
from slimtune.training.engine.train_step import StepResult
from slimtune.training.engine.trainer import TrialTrainer
from slimtune.training.hardware.resources import resolve
from slimtune.training.tracking.reporter import Reporter
from slimtune.training.tracking.run import NullRun
from slimtune.training.workbench.workbench import workbench_for
from tests.conftest import FakeTrial

MakeTrainer = Callable[..., TrialTrainer]
REPORTER = Reporter(NullRun)


class FirstOfTwo(ProcessGroup):
    """The rank that leads, of two; the other one has no gradient."""

    rank, size = 0, 2


@pytest.fixture
def make_trainer(config_of: Callable[..., dict[str, Any]], tmp_path: Path) -> MakeTrainer:
    def make(*more: str, group: ProcessGroup | None = None) -> TrialTrainer:
        values = config_of("fit.precision=fp32", *more)
        config = parse_trial(values).section
        resources = resolve(config.fit)
        bench = workbench_for(config, resources)
        resources = resources._replace(group=group or resources.group)
        return TrialTrainer(FakeTrial(values, tmp_path), config, bench, resources)

    return make


def padding_after_a_step(trainer: TrialTrainer) -> float:
    """The share that the first batch's rows say, which is also the one that is told."""
    batch = trainer.rows_as_batch()
    filled = batch.input_ids_BT.numel()
    share = 1 - int(batch.inputs["attention_mask"].sum()) / filled
    while not trainer.stepper.complete:
        gradients_that_fit(trainer)
    trainer.advance(REPORTER)
    told = trainer.progress.meter.compute()["train/padding"]
    assert told == pytest.approx(share)
    return told


def test_padding_is_the_share_of_what_was_computed() -> None:
    meter = Meter()
    for tokens, filled in ((60, 100), (80, 100)):
        meter.add(StepResult(1.0, 8.0, 1.0, 1e-3, filled), 8, tokens, tokens)
    assert meter.compute()["train/padding"] == pytest.approx(0.3)
    assert Meter.restored(meter.state()).compute()["train/padding"] == pytest.approx(0.3)


@pytest.mark.parametrize("shared", [False, True])
def test_a_step_tells_the_padding_of_its_batch(make_trainer: MakeTrainer, shared: bool) -> None:
    trainer = make_trainer()
    if shared:
        packing_of([trainer])
    assert padding_after_a_step(trainer) > 0


def test_a_process_tells_that_of_its_own_rows(make_trainer: MakeTrainer) -> None:
    """Of several devices each takes a part of the batch; speed is that of all."""
    trainer = make_trainer("fit.batch_size=16", group=FirstOfTwo())
    padding_after_a_step(trainer)
    assert trainer._num_own_tokens < trainer._num_tokens


def test_a_batch_that_is_taken_again_counts_once(make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch) -> None:
    """After memory was too small in the middle of it, with half of the rows at once."""
    trainer = make_trainer("fit.micro_batch_size=auto", "method=full", "method.dropout=0", "fit.batch_size=12")
    original, calls = packing_module._output, []

    def output(*given: Any) -> torch.Tensor:
        calls.append(len(given[2]))
        if len(calls) == 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return original(*given)

    monkeypatch.setattr(packing_module, "_output", output)
    trainer.micro_batch()
    lengths = trainer.bench.splits["train"].encoded.lengths()[trainer.stepper.micro_rows()]
    while not trainer.stepper.complete:
        gradients_that_fit(trainer)
    trainer.advance(REPORTER)
    assert calls == [12, 6, 6]
    filled = 6 * int(lengths[:6].max()) + 6 * int(lengths[6:].max())
    assert trainer.progress.meter.compute()["train/padding"] == pytest.approx(1 - int(lengths.sum()) / filled)
