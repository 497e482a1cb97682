import pytest
import torch
from transformers import get_scheduler

from slimtune.training.config.fit import Schedule
from slimtune.training.engine.lr_schedule import learning_rate_factor

ORACLES = {Schedule.linear: "linear", Schedule.cosine: "cosine", Schedule.constant: "constant_with_warmup"}


@pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler.step")
@pytest.mark.parametrize("schedule", list(Schedule))
@pytest.mark.parametrize("num_warmup_steps", [0, 3])
def test_the_factor_is_that_of_transformers(schedule: Schedule, num_warmup_steps: int) -> None:
    """Step by step, over a whole training, for every schedule."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    oracle = get_scheduler(ORACLES[schedule], optimizer, num_warmup_steps=num_warmup_steps, num_training_steps=20)
    for step in range(20):
        factor = learning_rate_factor(step, schedule=schedule, num_warmup_steps=num_warmup_steps, num_train_steps=20)
        assert factor == pytest.approx(oracle.get_last_lr()[0], abs=1e-12)
        oracle.step()
