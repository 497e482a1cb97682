"""When to evaluate, counted in training examples so that batch sizes compare fairly; and when to save, by the clock."""

import math
import time
from typing import NamedTuple

from slimtune.training.config.fit import FitConfig
from slimtune.training.distributed.process_group import ProcessGroup


class Plan(NamedTuple):
    """The length of a trial.

    Attributes:
        num_train_steps: Optimizer steps.
        total_examples: Training examples in those steps.
        eval_every: Training examples between evaluations.
    """

    num_train_steps: int
    total_examples: int
    eval_every: int


def plan_of(fit: FitConfig, num_rows: int) -> Plan:
    """The plan of a trial over `num_rows` training rows."""
    steps_per_epoch = math.ceil(num_rows / fit.batch_size)
    num_steps = max(1, math.ceil(fit.epochs * steps_per_epoch))
    num_steps = min(num_steps, fit.max_steps or num_steps)
    total = fit.examples_after(num_steps, num_rows)
    return Plan(num_steps, total, fit.examples_between_evaluations(num_rows))


class Cadence:
    """Milestones in training examples, or in steps.

    An evaluation belongs to the milestone just reached, not to the exact count: trials of different batch size
    then report at the same points.

    Attributes:
        next: The one that is not reached yet.
    """

    def __init__(self, every: int) -> None:
        self._every = every
        self.next = every

    def reached(self, count: int) -> int | None:
        """The newest milestone that was passed since the last call, if any; `count` is of examples, or of steps."""
        if count < self.next:
            return None
        milestone = count // self._every * self._every
        self.next = milestone + self._every
        return milestone


class EvaluationCadence(Cadence):
    """When a trial is evaluated: in steps where the config says so, else in training examples."""

    def __init__(self, fit: FitConfig, plan: Plan, num_rows: int) -> None:
        super().__init__(plan.eval_every if fit.eval_steps is None else fit.eval_steps)
        self._fit, self._num_rows = fit, num_rows

    def due(self, *, examples_seen: int, num_steps: int) -> int | None:
        """The examples that an evaluation is of, where one is due; of steps as many as the plan has by then, for the
        smaller batch of an epoch comes at another place with each seed.
        """
        if self._fit.eval_steps is None:
            return self.reached(examples_seen)
        steps = self.reached(num_steps)
        return None if steps is None else self._fit.examples_after(steps, self._num_rows)


class SaveCadence:
    """Every `fit.save_minutes` the trial's state is due on the rank that writes it, or, where it has parts from all
    ranks, on all of them at once.
    """

    def __init__(self, fit: FitConfig, group: ProcessGroup) -> None:
        self._minutes, self._together, self._group = fit.save_minutes, fit.fsdp, group
        self._saved_at = time.monotonic()

    def due(self) -> bool:
        """Whether to save now; asked between two batches."""
        if self._minutes is None or not (self._group.leads or self._together):
            return False
        is_due = time.monotonic() - self._saved_at >= 60 * self._minutes
        # clocks of ranks differ
        return bool(self._group.agreed(is_due)) if self._together else is_due

    def restart(self) -> None:
        """Count from now on."""
        self._saved_at = time.monotonic()
