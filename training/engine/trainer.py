"""One trial in training: its own weights, optimizer, data order and stopping state."""

import logging
import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from slimtune.training.checkpoints.best_checkpoint import BestCheckpoint
from slimtune.training.checkpoints.checkpoint_writer import CheckpointWriter
from slimtune.training.checkpoints.kept_steps import KeptSteps
from slimtune.training.config.fit import AUTO, FitConfig
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.batching import Batch, BatchOrder
from slimtune.training.distributed.sharding import whole
from slimtune.training.engine.cadence import EvaluationCadence, plan_of
from slimtune.training.engine.compile import compile_training, is_worth_compiling
from slimtune.training.engine.evaluations.evaluation_history import EvaluationHistory
from slimtune.training.engine.evaluations.objective import objective_of
from slimtune.training.engine.evaluations.scored_record import scored_record
from slimtune.training.engine.evaluations.validation import Validation
from slimtune.training.engine.graphs.buckets import bucket_length
from slimtune.training.engine.graphs.graph_plan import graph_plan
from slimtune.training.engine.graphs.graph_record import GraphRecord, graph_tags
from slimtune.training.engine.graphs.static_calls import StaticCalls
from slimtune.training.engine.meter import Meter
from slimtune.training.engine.saved_trial import Parts, Progress, SavedTrial
from slimtune.training.engine.train_step import Stepper
from slimtune.training.engine.training_model import training_model
from slimtune.training.errors import ConfigError
from slimtune.training.evaluation.parts import part_scores
from slimtune.training.evaluation.score import Evaluation
from slimtune.training.hardware.resources import Resources
from slimtune.training.methods import method_of
from slimtune.training.tasks.fused_loss.pass_output import loss_of
from slimtune.training.tasks.loss import LossSum
from slimtune.training.tracking.reporter import Reporter
from slimtune.training.trial import Completed, Outcome, Pruned, Report, Trial, Verdict
from slimtune.training.workbench.preflight import check_memory, check_trial
from slimtune.training.workbench.row_plan import row_plan
from slimtune.training.workbench.training_rows import TrainingRows
from slimtune.training.workbench.workbench import Workbench

if TYPE_CHECKING:
    from slimtune.training.engine.packing import Packing

log = logging.getLogger(__name__)


class TrialTrainer:
    """Trains one trial: whoever has it runs its micro-batches through a model, alone or packed with others.

    Attributes:
        bench: What it shares with others.
        resources: Where it is trained.
        model: In training.
        is_compiled: Whether that is compiled.
        stepper: Its optimizer, and the batch under way.
        graphs: Whether its steps are of fixed shapes, and become CUDA graphs.
        row_plan: Whether several examples share a row.
        packing: Whose passes it goes by; None for passes of its own model.
        calls: Who takes the passes of its own model, if they are of fixed shapes.
        graph_records: What became of the graphs of all who took its passes, in order.
        unreached: Positions of trained parameters that those passes give no gradient, as a pooler's that nothing reads.
        num_taken: Rows of the micro-batch that was taken last; 0 after a pass over it failed.
        best_evaluation: The one that scored best in this process; None before the first.
        progress: How far it is.
    """

    best_evaluation: Evaluation | None = None
    packing: "Packing | None" = None
    calls: StaticCalls | None = None
    graph_records: tuple[GraphRecord, ...] = ()
    num_taken = 0
    _num_rows = _num_tokens = _num_own_tokens = 0
    _repeated: Iterator[np.ndarray] | None = None
    unreached: frozenset[int] = frozenset()

    def __init__(self, trial: Trial, config: TrialConfig, bench: Workbench, resources: Resources) -> None:
        self._group = resources.group
        check_trial(config, bench, resources)
        torch.manual_seed(config.fit.seed)
        self.bench, self.resources = bench, resources
        self._trial, self._config = trial, config
        self._plan = plan_of(config.fit, len(bench.splits["train"]))
        method = method_of(config.method)
        self._plan_steps(config.fit)
        self.model = training_model(method, config.fit, bench, resources)
        num_steps, new_keys = self._plan.num_train_steps, bench.base.new_keys
        self.stepper = Stepper(self.model, config.fit, resources, num_train_steps=num_steps, new_keys=new_keys)
        lengths_N = bench.splits["train"].encoded.lengths()
        check_memory(self.model, config.fit, resources, tokens=int(lengths_N.max()))
        self._training_rows = TrainingRows(config, bench, self.row_plan)
        self._order = BatchOrder(lengths_N, batch_size=config.fit.batch_size, seed=config.fit.seed)
        self._cadence = EvaluationCadence(config.fit, self._plan, len(lengths_N))
        self._history = EvaluationHistory(config)
        self.progress = Progress()
        self._validation = Validation(
            self.model, bench, resources, batch_size=config.fit.eval_batch_size, note=self._note_graphs
        )
        writer, folder = CheckpointWriter(self.model, bench.tokenizer, method), trial.lineage.folder
        self._checkpoint = BestCheckpoint(writer, folder)
        self._kept_steps = KeptSteps(writer, folder, every=config.fit.save_steps)
        moving = (self.stepper, self._order, self._cadence, self._history, self._checkpoint, self.progress)
        self._saved = SavedTrial(trial, config.fit, bench, resources, Parts(self.model, *moving))
        if self.is_compiled:
            compile_training(self.model)
        if not self._group.leads:
            # dropout of its own
            torch.manual_seed(config.fit.seed + self._group.rank)

    def _plan_steps(self, fit: FitConfig) -> None:
        """How steps are taken; decided while the base is as it was loaded."""
        self.is_compiled = is_worth_compiling(fit, self._plan, self.resources)
        self.graphs = graph_plan(fit, self.resources, self.bench.base.model, is_compiled=self.is_compiled)
        with self.resources.autocast():
            lengthen = bucket_length if self.graphs.is_static else None
            self.row_plan = row_plan(self._config, self.bench, lengthen=lengthen)

    @property
    def number(self) -> int:
        """The trial's number."""
        return self._trial.number

    @property
    def num_trained_parameters(self) -> int:
        """Elements of all tensors that the optimizer moves."""
        return sum(parameter.numel() for parameter in self.model.parameters() if parameter.requires_grad)

    @property
    def examples_seen(self) -> int:
        """Training examples so far."""
        return self.progress.examples_seen

    @property
    def may_share(self) -> bool:
        """Whether its frozen weights are the base's own, its activations are kept, and its model runs as written in
        one process, as those of others in a pass.
        """
        shares = method_of(self._config.method).shares_base and not self._config.fit.gradient_checkpointing
        return shares and not self.is_compiled and self._group.size == 1

    @property
    def evaluation_due(self) -> bool:
        """Whether to call `evaluate` before the next micro-batch."""
        return self.progress.milestone is not None

    @property
    def num_tokens(self) -> int:
        """Of the batch that is under way, or the last one, without padding."""
        return self._num_tokens

    @property
    def rows_at_once(self) -> int:
        """Rows of a micro-batch."""
        return self.stepper.rows_at_once

    @property
    def passes_per_step(self) -> int:
        """Micro-batches of a whole batch."""
        return math.ceil(self._config.fit.batch_size / self.rows_at_once)

    def repeat(self, num_batches: int) -> None:
        """Go through the next batches again and again: for what is timed, and never saved."""
        self._repeated = cycle([next(self._order) for _ in range(num_batches)])

    def micro_batch(self) -> Batch:
        """The rows whose gradient is next, on the device."""
        return self._collated(self.resources.device)

    def rows_as_batch(self) -> Batch:
        """The same in host memory, to be joined with others'."""
        return self._collated(torch.device("cpu"))

    def _collated(self, device: torch.device) -> Batch:
        self._begin_batch()
        rows_N = self.stepper.micro_rows()
        self.num_taken = len(rows_N)
        return self._training_rows.collated(rows_N, device)

    def _begin_batch(self) -> None:
        if self.stepper.under_way:
            return
        rows_N = next(self._repeated or self._order)
        self._training_rows.begin(rows_N, num_steps=self.stepper.num_steps)
        self._num_rows, self._num_tokens = len(rows_N), self._training_rows.num_tokens(rows_N)
        own_N, leads_N = (rows_N[rank :: self._group.size] for rank in (self._group.rank, 0))
        self._num_own_tokens = self._training_rows.num_tokens(own_N)
        # a sharded layer comes from all ranks in each pass, so that they take the same number
        idle = self.stepper.num_passes(leads_N) - self.stepper.num_passes(own_N) if self._config.fit.fsdp else 0
        self.stepper.begin(own_N, self._training_rows.weight(rows_N), rows_N[:idle])

    @property
    def idle(self) -> bool:
        """Whether the other ranks have all the rows of the batch."""
        self._begin_batch()
        return self.stepper.complete

    def share_of(self, output: torch.Tensor, batch: Batch) -> torch.Tensor:
        """What to take the gradient of, given the pass's output for the micro-batch."""
        return self.stepper.share_of(self.loss(output, batch))

    def graph_tags(self) -> dict[str, str]:
        """What became of CUDA graphs, for the run at its end; nothing where none were to be."""
        is_told = self.graphs.reason is None and self.graph_records
        return graph_tags(self.graph_records) if is_told else {}

    @property
    def label_smoothing(self) -> float:
        """Of its loss."""
        return self._config.fit.label_smoothing

    def loss(self, output: torch.Tensor, batch: Batch) -> LossSum:
        """Of the task, by the trial's settings, given what `pass_output` gave."""
        return loss_of(self.bench.task, output, batch, label_smoothing=self.label_smoothing)

    def advance(self, reporter: Reporter[Any] | None) -> None:
        """After the gradient: step the optimizer when its batch is complete; who does not lead has no reporter.

        Raises:
            Diverged: The loss or the gradient is not finite.
        """
        if not self.stepper.complete:
            return
        result, progress = self.stepper.step(), self.progress
        progress.examples_seen += self._num_rows
        progress.meter.add(result, self._num_rows, self._num_tokens, self._num_own_tokens)
        if reporter is not None and self.stepper.num_steps % self._config.tracking.log_every == 0:
            reporter.metrics(progress.examples_seen, result.as_metrics())
        progress.milestone = self._cadence.due(examples_seen=progress.examples_seen, num_steps=self.stepper.num_steps)
        if progress.milestone is None and self._at_end:
            progress.milestone = progress.examples_seen
        self._saved.save_if_due()

    @property
    def between_batches(self) -> bool:
        """Whether a step was just made, or none yet."""
        return not self.stepper.under_way

    def save(self) -> None:
        """Write the state now; where it has parts from all ranks, which are elsewhere, the last one stays."""
        self._saved.save()

    def resume(self) -> int | None:
        """Continue where an earlier attempt was; the examples that it had seen, or None if there is nothing to resume.

        What it reported is reported again: the search knows nothing of a lost attempt.
        """
        return self._saved.resume()

    def rewind(self) -> None:
        """Take the batch that is under way from its beginning, after a pass over it failed."""
        self.num_taken = 0
        self.stepper.rewind()

    def halve(self) -> bool:
        """Take half of the rows at once from now on, after memory was too small; False if the config forbids it."""
        fit = self._config.fit
        if fit.micro_batch_size != AUTO or self.rows_at_once == 1 or self.bench.task.couples_rows or fit.fsdp:
            return False
        self.stepper.rows_at_once = math.ceil(self.rows_at_once / 2)
        self.rewind()
        return True

    def skip(self) -> None:
        """Leave the batch that is under way, and its gradients, for the next one."""
        self.stepper.drop()

    @property
    def _at_end(self) -> bool:
        return self.stepper.num_steps >= self._plan.num_train_steps

    def evaluate(self, reporter: Reporter[Any]) -> Outcome | None:
        """Score the model on the validation rows, when it is due; the trial's outcome, once there is one.

        Raises:
            Diverged: The score is not a number.
            ConfigError: Likewise, of a metric of the user's own while the loss is one.
        """
        assert self.progress.milestone is not None
        milestone = self.progress.milestone
        with whole(self.model, here=True):
            evaluation = self._evaluation()
            report = self._report(evaluation, milestone)
            record = scored_record(self._trial, self.bench, report, milestone)
            if self._history.update(report.objective):
                self._history.best = Completed(report.as_metrics(), self._checkpoint.keep(record))
                self.best_evaluation = evaluation
            self._kept_steps.keep_if_due(record, self.stepper.num_steps)
        self.progress.meter, self.progress.milestone = Meter(), None
        reporter.metrics(milestone, report.as_metrics())
        self._history.reports.append((milestone, report))
        verdict = self._trial.report(milestone, replace(report, overfits_since=self._newly_overfits(reporter)))
        outcome = self._outcome(milestone, verdict)
        self._group.agreed(outcome is not None)
        if outcome is not None:
            self._checkpoint.wait()
            if self._history.best is not None:
                self._checkpoint.tidy(self._history.best.checkpoint)
        if isinstance(outcome, Completed) and not self._at_end:
            reporter.tags({"early_stop": f"no gain in {self._history.num_waited} evaluations"})
        return outcome

    def evaluated_elsewhere(self) -> bool:
        """Wait until the rank that leads has evaluated; whether the trial has ended by it."""
        with whole(self.model, here=False):
            self.progress.meter, self.progress.milestone = Meter(), None
        return bool(self._group.agreed(None))

    def _newly_overfits(self, reporter: Reporter[Any]) -> int | None:
        """The examples since which it overfits, the first time that it is seen; flags the run."""
        since = self._history.newly_overfits()
        if since is not None:
            log.info("trial %d: overfits since %d examples", self._trial.number, since)
            reporter.tags({"overfits_since": str(since)})
        return since

    def _outcome(self, milestone: int, verdict: Verdict) -> Outcome | None:
        if verdict.stop and not self._at_end:
            return Pruned(milestone, verdict.reason or "stopped by the search")
        return self._history.best if self._at_end else self._history.early_end

    def _report(self, evaluation: Evaluation, milestone: int) -> Report:
        task, measures = self._config.task, self.bench.task.measures
        scores, num_parts = evaluation.scores, getattr(self._trial, "num_parts", 0)
        return Report(
            objective=objective_of(scores, task, measures, milestone),
            progress=1.0 if self._at_end else milestone / self._plan.total_examples,
            scores={f"validation/{name}": value for name, value in scores.items()},
            train=self.progress.meter.compute(),
            parts=part_scores(evaluation, measures, task.metric, num_parts=num_parts),
        )

    def _evaluation(self) -> Evaluation:
        num_left = (self._plan.total_examples - self.examples_seen) // self._plan.eval_every + 1
        evaluation = self._validation.evaluation(self.graphs, num_left)
        if self._config.task.metric not in evaluation.scores:
            known = ", ".join(evaluation.scores)
            raise ConfigError([f"task.metric is '{self._config.task.metric}'; the scores are {known}"])
        return evaluation

    def _note_graphs(self, record: GraphRecord) -> None:
        self.graph_records += (record,)
