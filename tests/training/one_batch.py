"""Whether a trial can learn, without luck: the loss of one batch, over which steps are taken again and again.

Between batches a loss may rise after few steps, by the rows that they hold, by dropout and by a machine's rounding.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from slimtune.training.config.trial import parse_trial
from slimtune.training.engine.trainer import TrialTrainer
from slimtune.training.hardware.resources import resolve
from slimtune.training.workbench.workbench import workbench_for
from tests.conftest import FakeTrial

# of twenty steps downhill, each undoes more than rounding adds
NUM_STEPS = 20


class Losses(NamedTuple):
    """Of one batch, in nats: before the first step, and after the last."""

    before: float
    after: float


def losses_on_one_batch(values: Mapping[str, Any], folder: Path) -> Losses:
    """Those of the trial's first batch, with its model, method and task, its learning rate and no dropout."""
    config = parse_trial(values).section
    resources = resolve(config.fit)
    trainer = TrialTrainer(FakeTrial(values, folder), config, workbench_for(config, resources), resources)
    for module in trainer.model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    batch, task = trainer.micro_batch(), trainer.bench.task
    trained = [parameter for parameter in trainer.model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=config.fit.learning_rate, weight_decay=0.0)
    losses = []
    for _ in range(NUM_STEPS + 1):
        optimizer.zero_grad()
        loss = task.loss(task.logits(trainer.model, batch), batch, label_smoothing=0.0).nats
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return Losses(losses[0], losses[-1])
