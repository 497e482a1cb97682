"""One trial in training: its own weights, optimizer, data order and stopping state."""

import math
import time
from typing import Any

import torch

from training.batches import BatchOrder
from training.cadence import Cadence, plan_of
from training.checkpoint import CheckpointRecord, save_best
from training.config import FullConfig, LoraConfig, TrialConfig
from training.errors import Diverged
from training.evaluate import score_split
from training.methods import full, lora
from training.model import trial_copy
from training.report import Reporter
from training.resources import Resources
from training.step import Stepper, StepResult
from training.stopping import Patience
from training.trial import Completed, Outcome, Pruned, Trial
from training.workbench import Workbench


class Slot:
    """Holds one trial and moves it on, step by step, until it has an outcome."""

    def __init__(self, trial: Trial, config: TrialConfig, bench: Workbench, resources: Resources) -> None:
        torch.manual_seed(config.fit.seed)
        self._trial, self._config, self._bench, self._resources = trial, config, bench, resources
        self._plan = plan_of(config.fit, len(bench.splits["train"]))
        self._model = _trainable(config, bench).train()
        self._stepper = Stepper(self._model, config.fit, resources, num_train_steps=self._plan.num_train_steps)
        lengths = bench.splits["train"].encoded.lengths()
        self._order = BatchOrder(lengths, batch_size=config.fit.batch_size, seed=config.fit.seed).epochs()
        self._cadence = Cadence(self._plan.eval_every)
        self._patience = Patience(
            patience=config.fit.patience,
            min_improvement=config.fit.min_improvement,
            maximize=config.task.maximize,
        )
        self._examples_seen = 0
        self._window = _Window()
        self._best: Completed | None = None

    @property
    def num_trained_parameters(self) -> int:
        """Elements of all tensors that the optimizer moves."""
        return sum(parameter.numel() for parameter in self._model.parameters() if parameter.requires_grad)

    def tick(self, reporter: Reporter) -> Outcome | None:
        """Take one optimizer step, and evaluate when it is due; the outcome, once there is one.

        Raises:
            Diverged: Loss, gradient or validation score is not finite.
        """
        rows = next(self._order)
        train = self._bench.splits["train"]
        pad_id = self._bench.tokenizer.pad_token_id
        result = self._stepper.step(train, rows, task=self._bench.task, pad_id=pad_id)
        self._examples_seen += len(rows)
        self._window.add(result, len(rows))
        if self._stepper.num_steps % self._config.tracking.log_every == 0:
            reporter.metrics(self._examples_seen, _step_metrics(result))
        at_end = self._stepper.num_steps >= self._plan.num_train_steps
        milestone = self._cadence.reached(self._examples_seen)
        if milestone is None and at_end:
            milestone = self._examples_seen
        return self._evaluate(milestone, reporter, at_end=at_end) if milestone is not None else None

    def _evaluate(self, milestone: int, reporter: Reporter, *, at_end: bool) -> Outcome | None:
        window = self._window.close()
        metrics = self._scores()
        objective = metrics["objective"]
        if math.isnan(objective):
            raise Diverged(f"after {milestone} examples: validation {self._config.task.metric.name} is not a number")
        if self._patience.update(objective):
            self._best = self._keep(metrics, milestone)
        self._window = _Window()
        metrics |= window
        reporter.metrics(milestone, metrics)
        progress = {"fit/progress": 1.0 if at_end else milestone / self._plan.total_examples}
        verdict = self._trial.report(milestone, metrics | progress)
        if at_end:
            return self._best
        if verdict.stop:
            return Pruned(milestone, verdict.reason or "stopped by the search")
        if self._patience.exhausted:
            reporter.tags({"early_stop": f"no gain in {self._patience.num_waited} evaluations"})
            return self._best
        return None

    def _scores(self) -> dict[str, float]:
        batch = (self._config.fit.eval_batch_size, self._bench.tokenizer.pad_token_id)
        scores = score_split(
            self._model,
            self._bench.splits["validation"],
            task=self._bench.task,
            resources=self._resources,
            batch=batch,
        ).scores
        # the tracker's compare page takes the metric that was logged first
        objective = {"objective": scores[self._config.task.metric.value]}
        return objective | {f"validation/{name}": value for name, value in scores.items()}

    def _keep(self, metrics: dict[str, float], milestone: int) -> Completed:
        record = CheckpointRecord(
            config=dict(self._trial.config),
            labels=self._bench.task.labels,
            scores=metrics,
            examples_seen=milestone,
            data_fingerprint=self._bench.data_fingerprint,
        )
        folder = save_best(self._model, self._bench.tokenizer, record, self._trial.lineage.folder)
        return Completed(metrics, folder)


class _Window:
    """Training loss and speed since the last evaluation."""

    def __init__(self) -> None:
        self._loss_sum_nats, self._rows, self._since = 0.0, 0, time.perf_counter()

    def add(self, result: StepResult, rows: int) -> None:
        self._loss_sum_nats += result.loss_nats * rows
        self._rows += rows

    def close(self) -> dict[str, float]:
        seconds = time.perf_counter() - self._since
        return {"train/loss": self._loss_sum_nats / self._rows, "train/examples_per_second": self._rows / seconds}


def _step_metrics(result: StepResult) -> dict[str, float]:
    return {
        "train/step_loss": result.loss_nats,
        "train/gradient_norm": result.gradient_norm,
        "train/learning_rate": result.learning_rate,
    }


def _trainable(config: TrialConfig, bench: Workbench) -> Any:
    """A fresh model for the trial, drawn from the generator that the slot has just seeded."""
    model = trial_copy(bench.base, share_weights=not isinstance(config.method, FullConfig))
    match config.method:
        case LoraConfig() as method:
            return lora.prepare(model, method, peft_task_type=bench.task.peft_task_type, new_keys=bench.base.new_keys)
        case FullConfig():
            return full.prepare(model)
