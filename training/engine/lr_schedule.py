"""The learning rate as a factor of its peak, step by step."""

import math

from slimtune.training.config.fit import Schedule


def learning_rate_factor(step: int, *, schedule: Schedule, num_warmup_steps: int, num_train_steps: int) -> float:
    """Factor in [0, 1] for the optimizer step with number `step` (from 0).

    Rises linearly to 1 over the warm-up, then stays (constant), falls linearly to 0, or falls as half a cosine.
    The values are those of transformers' `get_scheduler`.
    """
    if step < num_warmup_steps:
        return step / max(1, num_warmup_steps)
    if schedule is Schedule.constant:
        return 1.0
    progress = min(1.0, (step - num_warmup_steps) / max(1, num_train_steps - num_warmup_steps))
    if schedule is Schedule.linear:
        return 1.0 - progress
    return 0.5 * (1.0 + math.cos(math.pi * progress))
