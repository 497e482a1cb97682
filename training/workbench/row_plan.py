"""Whether examples of a trial share rows, and what stands against it."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from slimtune.training.config.fit import AUTO, FitConfig
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.batching import BatchOrder
from slimtune.training.data.row_packing.layout import HIDDEN_SIZES_OF_A_ROW, RowCost
from slimtune.training.data.row_packing.saving import saved_share
from slimtune.training.errors import ConfigError
from slimtune.training.models.packed_rows import refuses_packed_rows
from slimtune.training.tasks.fused_loss.pass_output import TOKEN_TASKS
from slimtune.training.workbench.workbench import Workbench

# below it a mask of blocks costs as much as the padding (benchmarks/reports/row_packing.md)
WORTH_SHARE = 0.1


class RowPlan(NamedTuple):
    """How the examples of a trial's micro-batches lie in memory.

    Attributes:
        cost: Of a row, if several share one.
        reason: Why they do not; None if they do.
    """

    cost: RowCost | None
    reason: str | None

    @property
    def told(self) -> str:
        """For the run."""
        return "true" if self.reason is None else f"false: {self.reason}"


def row_plan(config: TrialConfig, bench: Workbench, *, lengthen: Callable[[int], int] | None) -> RowPlan:
    """What `fit.row_packing` comes to for a trial: a function of its config and rows, and of what the model is.

    Args:
        config: The trial's.
        bench: With a base that has its weights.
        lengthen: To what length rows of so many tokens are filled up; None is no further.

    Raises:
        ConfigError: It was asked for, and cannot be.
    """
    wanted = config.fit.row_packing
    settings: Any = bench.base.model.config.get_text_config()
    width = getattr(settings, "hidden_size", None)
    double = HIDDEN_SIZES_OF_A_ROW * width if width else math.inf
    cost = RowCost(config.data.max_length, double, lengthen)
    if wanted is False:
        return RowPlan(None, "fit.row_packing is false")
    reason = _without_answers(config, bench)
    if reason is None and wanted == AUTO:
        reason = _little(config, bench, cost)
    if reason is None:
        reason = refuses_packed_rows(bench.base.model)
    if reason is not None and wanted != AUTO:
        raise ConfigError([not_packed(reason)])
    return RowPlan(cost if reason is None else None, reason)


def not_packed(reason: str) -> str:
    """What is told where `fit.row_packing=true` cannot be."""
    return f"fit.row_packing is true, but {reason}; use auto or false"


def _without_answers(config: TrialConfig, bench: Workbench) -> str | None:
    if not bench.splits["train"].targets.next_token:
        return "the rows are none of next tokens"
    task: Any = bench.task
    if type(task) not in TOKEN_TASKS:
        return "the task is one's own, whose loss may look at whole rows"
    if task.has_own_loss:
        return "the loss is one's own, which may look at whole rows"
    if getattr(config.method, "num_virtual_tokens", 0):
        return f"method={config.method.name} puts tokens before each row"
    return None


def _little(config: TrialConfig, bench: Workbench, cost: RowCost) -> str | None:
    fit: FitConfig = config.fit
    lengths_N = bench.splits["train"].encoded.lengths()
    order = BatchOrder(lengths_N, batch_size=fit.batch_size, seed=fit.seed)
    share = saved_share(lengths_N, order, rows_at_once=fit.rows_at_once, cost=cost)
    return f"it would save {share:.0%} of a step" if share < WORTH_SHARE else None
