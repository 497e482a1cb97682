"""The training rows as the batches of a trial take them."""

# N rows

import numpy as np
import torch

from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.batching import Batch, collate
from slimtune.training.data.row_packing.packed_batch import packed_batch
from slimtune.training.workbench.augmentation import Augmentation
from slimtune.training.workbench.row_plan import RowPlan
from slimtune.training.workbench.workbench import Workbench


class TrainingRows:
    """Rows as they stand, or changed by `fit.augment`; each has its own place in memory, or shares one.

    Args:
        config: The trial's.
        bench: With the rows.
        plan: Whether several share one.
    """

    def __init__(self, config: TrialConfig, bench: Workbench, plan: RowPlan) -> None:
        self._split, self._pad_id, self._cost = bench.splits["train"], bench.tokenizer.pad_token_id, plan.cost
        is_changed = config.fit.augment is not None
        self._augmentation = Augmentation(config, bench.task, bench.tokenizer) if is_changed else None
        self._taken, self._lengths_N = self._split, self._split.encoded.lengths()
        self._places: dict[int, int] | None = None

    def begin(self, rows_N: np.ndarray, *, num_steps: int) -> None:
        """The rows of the next step, of all ranks: others are not asked for until the one after it."""
        if self._augmentation is not None:
            self._taken = self._augmentation.changed(self._split, rows_N, num_steps=num_steps)
            self._lengths_N = self._taken.encoded.lengths()
            self._places = {int(row): place for place, row in enumerate(rows_N)}

    def weight(self, rows_N: np.ndarray) -> float:
        """What these rows count together."""
        return float(self._taken.targets.weights_N[self._of(rows_N)].sum())

    def num_tokens(self, rows_N: np.ndarray) -> int:
        """Of these rows, without padding."""
        return int(self._lengths_N[self._of(rows_N)].sum())

    def collated(self, rows_N: np.ndarray, device: torch.device) -> Batch:
        """These rows, padded to the longest of them, or several in one."""
        if self._cost is None:
            return collate(self._taken, self._of(rows_N), pad_id=self._pad_id, device=device)
        return packed_batch(self._taken, self._of(rows_N), pad_id=self._pad_id, cost=self._cost, device=device)

    def _of(self, rows_N: np.ndarray) -> np.ndarray:
        if self._places is None:
            return rows_N
        return np.array([self._places[int(row)] for row in rows_N], dtype=np.int64)
