"""A trial from its run's first line in the tracker to its outcome."""

import logging
import time
import traceback
from collections.abc import Callable, Mapping
from enum import Enum
from functools import partial
from typing import Any, NamedTuple

import yaml

from slimtune.training.checkpoints.continued import forget_taken, note_continued
from slimtune.training.checkpoints.kinds import CONFIG
from slimtune.training.checkpoints.training_state import forget_states
from slimtune.training.config.tracking import CheckpointPolicy
from slimtune.training.config.trial import TrialConfig
from slimtune.training.engine.packing import packable
from slimtune.training.engine.slot_calibration import SlotDecision, decide_slots
from slimtune.training.engine.slots.trained_parts import TrainedParts
from slimtune.training.engine.trainer import TrialTrainer
from slimtune.training.errors import ConfigError, DataError, Diverged, ModelError, is_out_of_memory
from slimtune.training.evaluation.answer_pages import log_answers
from slimtune.training.hardware.monitor import ResourceMonitor
from slimtune.training.hardware.resources import Resources
from slimtune.training.tracking.data_inputs import tracked_splits
from slimtune.training.tracking.display import best_metrics, by_dotted_key, log10_params
from slimtune.training.tracking.outbox_run import Trackers
from slimtune.training.tracking.reporter import LEAD, Quiet, Reporter
from slimtune.training.tracking.run import TrackedRun
from slimtune.training.trial import Completed, Failed, FailureKind, Outcome, Pruned, Trial, describe
from slimtune.training.workbench.workbench import Workbench

# libyaml's is ten times faster; not every build of PyYAML has it
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

log = logging.getLogger(__name__)


class Phase(Enum):
    """Where a trial of this worker is.

    Attributes:
        waiting: Begun, but it has no model: not yet, or memory is too small for another one.
        training: It has a model, or is getting one.
        closing: Ended, but the tracker has not all of it yet.
    """

    waiting = "waiting"
    training = "training"
    closing = "closing"


class Observers(NamedTuple):
    """What follows all trials of a worker.

    Attributes:
        trackers: Where their runs are opened.
        quiet: When their reporters hold back.
        monitor: Of what the worker takes of the machine.
    """

    trackers: Trackers
    quiet: Quiet
    monitor: ResourceMonitor


class TrialRun:
    """A live trial: its run in the tracker, its reporter, and its trainer once it has one.

    Attributes:
        config: The trial's.
        phase: Where it is; the engine moves it on.
        packed_with: Numbers of the trials that it shared a pass with, its own among them.
        parts: What it has of its own in a shared pass; None if it must run alone.
        decision: How many trials the worker trains at once.
    """

    def __init__(self, trial: Trial, config: TrialConfig, observers: Observers) -> None:
        self.config = config
        self.phase = Phase.waiting
        self.packed_with: set[int] = set()
        self.parts: TrainedParts | None = None
        self.decision = SlotDecision(1, None)
        self._trainer: TrialTrainer | None = None
        # the ticks that it was in, and what all that were in them would have taken alone
        self._tick_seconds = self._alone_seconds = 0.0
        self._trial = trial
        self._started = time.perf_counter() - trial.lineage.seconds_before
        self._usage = observers.monitor.follow()
        trial.lineage.folder.mkdir(parents=True, exist_ok=True)
        self._yaml = yaml.dump(dict(trial.config), Dumper=DUMPER, sort_keys=False, allow_unicode=True)
        (trial.lineage.folder / CONFIG).write_text(self._yaml, encoding="utf-8")
        note_continued(trial.lineage.earlier, trial.lineage.folder)
        open_run = observers.trackers.opener(config.tracking, trial.lineage)
        self.reporter = Reporter(partial(self._begin, open_run), observers.quiet)

    def _begin(self, open_run: Callable[[], TrackedRun]) -> TrackedRun:
        run = open_run()
        try:
            self._trial.began(run.run_id)
        except Exception as error:  # noqa: BLE001  # a study's storage raises whatever its driver raises
            log.warning("trial %d: its run was not noted (%s)", self.number, error)
        try:
            run.log_text(self._yaml, CONFIG)
            run.log_params(_params(self._trial))
            run.log_metrics(dict(self._trial.lineage.costs))
        except Exception as error:  # noqa: BLE001  # MLflow raises whatever its store raises
            log.warning("trial %d: its config was not tracked (%s)", self.number, error)
        return run

    @property
    def number(self) -> int:
        """The trial's number."""
        return self._trial.number

    @property
    def trainer(self) -> TrialTrainer:
        """The trial in training."""
        assert self._trainer is not None
        return self._trainer

    def make_trainer(self, bench: Workbench, resources: Resources, decision: SlotDecision | None = None) -> None:
        """Make the trial's model and optimizer.

        Args:
            bench: What it shares.
            resources: What it runs with.
            decision: How many run at once; None decides.
        """
        self.decision = decision or decide_slots(self._trial, self.config, bench, resources)
        self._trainer = TrialTrainer(self._trial, self.config, bench, resources)
        resumed_at = self._trainer.resume()
        if resumed_at is not None:
            log.info("trial %d: resumed after %d examples", self.number, resumed_at)
            self.reporter.tags({"resumed_at": str(resumed_at)})
        self.parts = packable(self.trainer)
        facts = {
            "device": str(resources.device),
            "precision": resources.precision.value,
            "devices": str(self.config.fit.devices),
            "threads": str(resources.num_threads),
            "trained_parameters": str(self.trainer.num_trained_parameters),
            "slots": str(self.decision.slots),
            "cuda_graphs": self.trainer.graphs.told,
            "row_packing": self.trainer.row_plan.told,
            "compiled": str(self.trainer.is_compiled).lower(),
        }
        if self.decision.gain is not None:
            facts["slots_gain"] = f"{self.decision.gain:.2f}"
        self.reporter.write(lambda run: _log_facts(run, config=self.config, bench=bench, facts=facts))

    @property
    def alone_seconds(self) -> float:
        """What its last micro-batch would have taken alone, by its rows; 0 where that was not timed, or it failed."""
        rows, cost = self.trainer.num_taken, self.decision.alone
        return cost.seconds(rows) if cost is not None and rows else 0.0

    def add_tick(self, seconds: float, alone_seconds: float) -> None:
        """Take in what a tick took that it was in, and what all that were in it would have taken alone."""
        self._tick_seconds += seconds
        self._alone_seconds += alone_seconds

    @property
    def reached_gain(self) -> float | None:
        """Speed of the ticks that it was in, relative to their trials one after the other, whatever batches they
        brought; None where nothing was timed to go by.
        """
        timed = self.decision.slots > 1 and self.decision.alone is not None and self._tick_seconds > 0
        return self._alone_seconds / self._tick_seconds if timed else None

    def pulse(self) -> Failed | None:
        """Tell the search that the trial makes steps; how it is to end now, which is between two of them."""
        ending = self._ending()
        return ending if self.trainer.between_batches else None

    def _ending(self) -> Failed | None:
        pulse: Callable[[], Failed | None] | None = getattr(self._trial, "pulse", None)
        return pulse() if pulse is not None else None

    def evaluate(self) -> Outcome | None:
        """Score the model, when it is due, and look at what training has taken of the machine.

        Raises:
            Diverged: The score is not a number.
        """
        with self.trainer.progress.evaluation:
            outcome = self.trainer.evaluate(self.reporter)
        self.reporter.metrics(self.trainer.examples_seen, self._usage.look())
        return outcome

    def close(self, outcome: Outcome) -> None:
        """Tell whoever gave the trial; the tracker is written meanwhile, until `join`."""
        if others := sorted(self.packed_with - {self.number}):
            # its rounding depends on them
            self.reporter.tags({"packed_with": ",".join(map(str, others))})
        if self._trainer is not None and (graph_tags := self._trainer.graph_tags()):
            self.reporter.tags(graph_tags)
        if (reached := self.reached_gain) is not None:
            log.info("trial %d: slots gained %.2f, timing said %.2f", self.number, reached, self.decision.gain)
            self.reporter.tags({"slots_gain_reached": f"{reached:.2f}"})
        facts = {**self._spent(), **self._usage.peaks()}
        if isinstance(outcome, Completed) and self._trainer is not None:
            # the run's value is the best one, as in the study: the tracker shows that of the last step
            self.reporter.metrics(self._trainer.examples_seen + 1, {LEAD: outcome.scores[LEAD]})
        if self._trainer is not None and (best := self._trainer.best_evaluation) is not None:
            bench = self._trainer.bench
            pages = partial(log_answers, task=bench.task, evaluation=best, examples=bench.examples["validation"])
            self.reporter.write(pages)
        # the tracker may be slow, and memory is for the next trial
        self._trainer = self.parts = None
        self.reporter.close(lambda run: _log_end(run, outcome, config=self.config, facts=facts))
        finish(self._trial, outcome)
        # killed before this, it is told from its state
        lineage = self._trial.lineage
        for folder in (lineage.folder, *lineage.earlier):
            forget_states(folder)
        forget_taken(lineage.earlier, lineage.folder)

    def _spent(self) -> dict[str, float]:
        """Seconds of all attempts: the search knows those of a killed one that its last state has not, and of a trial
        without a search its state knows them alone.
        """
        seconds = time.perf_counter() - self._started
        if self._trainer is None:
            return {"fit/seconds": seconds, "fit/evaluation_seconds": 0.0}
        progress = self._trainer.progress
        return {"fit/seconds": max(seconds, progress.seconds), "fit/evaluation_seconds": progress.evaluation.seconds}

    def interrupt(self) -> None:
        """Write down that the worker was stopped, or that the search ends the trial by it; the trial is not told, so
        that it is tried again unless whoever has interrupted it knows better.
        """
        ending = self._ending()
        if ending is None or ending.kind is FailureKind.stopped:
            self.reporter.close(lambda run: run.end(state="interrupted", failed=True))
        else:
            self.reporter.close(lambda run: _log_end(run, ending, config=self.config, facts={}))
        self.join()

    def stop(self, ending: Failed) -> None:
        """The same, when the search has asked for it, and is told."""
        self._trainer = self.parts = None
        self.interrupt()
        finish(self._trial, ending)

    def join(self) -> None:
        """Until the tracker has everything."""
        self.reporter.join()


def finish(trial: Trial, outcome: Outcome) -> None:
    """Log a trial's outcome and tell whoever gave it."""
    log.info("trial %d: %s", trial.number, describe(outcome))
    trial.finish(outcome)


def failed(error: Exception) -> Failed:
    """The outcome of a trial that ended by an error."""
    story = "".join(traceback.format_exception(error))
    return Failed(_kind(error), f"{type(error).__name__}: {error}", story)


def _kind(error: Exception) -> FailureKind:
    kinds: tuple[tuple[type | tuple[type, ...], FailureKind], ...] = (
        (Diverged, FailureKind.diverged),
        (DataError, FailureKind.bad_data),
        ((ConfigError, ModelError), FailureKind.bad_config),
    )
    for types, kind in kinds:
        if isinstance(error, types):
            return kind
    return FailureKind.out_of_memory if is_out_of_memory(error) else FailureKind.bug


def _params(trial: Trial) -> dict[str, Any]:
    return {**by_dotted_key(trial.config), **log10_params(trial.lineage.sampled, trial.lineage.log_scaled)}


def _log_facts(run: TrackedRun, *, config: TrialConfig, bench: Workbench, facts: Mapping[str, str]) -> None:
    run.set_tags(facts)
    sizes = {name: len(split) for name, split in bench.splits.items()}
    run.log_data(tracked_splits(config.data, sizes, digest=bench.data_fingerprint))


def _log_end(run: TrackedRun, outcome: Outcome, *, config: TrialConfig, facts: Mapping[str, float]) -> None:
    run.log_metrics(facts)
    match outcome:
        case Completed(scores, checkpoint):
            run.log_metrics(best_metrics(scores))
            if config.tracking.checkpoints is CheckpointPolicy.all:
                run.log_folder(checkpoint, "checkpoint")
            run.end(state="complete")
        case Pruned(at, why):
            run.set_tags({"pruned_at": str(at), "pruned_why": why})
            run.end(state="pruned")
        case Failed(kind, message, trace):
            run.set_tags({"failure": kind.value, "failure_message": message[:4000]})
            run.log_text(trace, "failure.txt")
            run.end(state="failed", failed=True)
