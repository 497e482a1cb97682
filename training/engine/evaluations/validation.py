"""The model of a trial, scored on its validation rows."""

from collections.abc import Callable
from typing import Any

from slimtune.training.engine.compile import as_written
from slimtune.training.engine.graphs.graph_plan import GraphPlan
from slimtune.training.engine.graphs.graph_record import GraphRecord
from slimtune.training.engine.graphs.static_calls import CudaGraphs
from slimtune.training.engine.graphs.static_evaluation import StaticEvaluation
from slimtune.training.evaluation.passes import EagerPasses, Passes
from slimtune.training.evaluation.score import Evaluation, score_split
from slimtune.training.hardware.resources import Resources
from slimtune.training.workbench.workbench import Workbench


class Validation:
    """Scores it again and again while it trains.

    Args:
        model: In training.
        bench: With the rows.
        resources: Where.
        batch_size: Rows at once; None is as many as the device runs well.
        note: Told of each record of graphs.

    Attributes:
        static: What it goes by where shapes are fixed; None before the first of these.
    """

    def __init__(
        self,
        model: Any,
        bench: Workbench,
        resources: Resources,
        *,
        batch_size: int | None,
        note: Callable[[GraphRecord], None],
    ) -> None:
        self._model, self._bench, self._resources = model, bench, resources
        self._batch_size, self._note = batch_size, note
        self.static: StaticEvaluation | None = None

    def evaluation(self, graphs: GraphPlan, num_left: int) -> Evaluation:
        """The scores now.

        Args:
            graphs: It is evaluated as it is trained, by shapes that are fixed or not.
            num_left: Evaluations that are to come, this one among them.
        """
        batch = (self._batch_size, self._bench.tokenizer)
        split, task = self._bench.splits["validation"], self._bench.task
        with as_written(self._model):
            return score_split(self._model, split, task=task, passes=self._passes(graphs, num_left), batch=batch)

    def _passes(self, graphs: GraphPlan, num_left: int) -> Passes:
        if not graphs.is_static:
            return EagerPasses(self._resources)
        if self.static is None:
            self.static = StaticEvaluation(
                self._model,
                self._resources,
                pad_id=self._bench.tokenizer.pad_token_id,
                capturer=CudaGraphs() if graphs.reason is None else None,
                note=self._note,
            )
        self.static.begin(num_left)
        return self.static
