"""A trial's state on disk: written while it trains, and read by a later attempt, which goes on from it."""

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch

from slimtune.training.checkpoints.best_checkpoint import BestCheckpoint
from slimtune.training.checkpoints.continued import take_over_steps, taken_over
from slimtune.training.checkpoints.training_state import (
    MODEL,
    OPTIMIZER,
    State,
    forget_states,
    generator_states,
    read_state,
    restore_generators,
    write_state,
)
from slimtune.training.config.fit import FitConfig
from slimtune.training.config.trial import RESULT_SECTIONS
from slimtune.training.data.batching import BatchOrder
from slimtune.training.distributed.sharding import gathered, shared_out
from slimtune.training.engine.cadence import Cadence, SaveCadence
from slimtune.training.engine.evaluations.evaluation_history import EvaluationHistory
from slimtune.training.engine.meter import Meter
from slimtune.training.engine.timers import Timer
from slimtune.training.engine.train_step import Stepper
from slimtune.training.hardware.resources import Resources
from slimtune.training.trial import Trial, tell_resumed
from slimtune.training.workbench.workbench import Workbench

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Progress:
    """How far a trial is.

    Attributes:
        examples_seen: Training examples of all steps so far.
        milestone: The examples at which to evaluate, before the next step; None if that is not due.
        meter: The steps since the last evaluation.
        began: When, by the process's clock; earlier by what attempts before have taken that it goes on with.
        evaluation: What its evaluations take, with those of these attempts.
    """

    examples_seen: int = 0
    milestone: int | None = None
    meter: Meter = field(default_factory=Meter)
    began: float = field(default_factory=time.perf_counter)
    evaluation: Timer = field(default_factory=Timer)

    @property
    def seconds(self) -> float:
        """What the trial has taken so far."""
        return time.perf_counter() - self.began


class Parts(NamedTuple):
    """All of a trial that moves while it trains."""

    model: Any
    stepper: Stepper
    order: BatchOrder
    cadence: Cadence
    history: EvaluationHistory
    checkpoint: BestCheckpoint
    progress: Progress


class SavedTrial:
    """Writes the state of a trial between two batches, and brings the trial to where an earlier attempt was."""

    def __init__(self, trial: Trial, fit: FitConfig, bench: Workbench, resources: Resources, parts: Parts) -> None:
        self._trial, self._fit, self._parts = trial, fit, parts
        self._group, self._device = resources.group, resources.device
        self._fingerprints = {"data": bench.data_fingerprint, "base": bench.base_fingerprint}
        self._cadence = SaveCadence(fit, resources.group)

    def save(self) -> None:
        """Write the state now; where it has parts from all ranks, which are elsewhere, the last one stays."""
        if not self._fit.fsdp:
            self._write(self._state())

    def save_if_due(self) -> None:
        """Write the state on the rank that leads, as often as the config says."""
        if not self._cadence.due():
            return
        state = self._state()
        if self._group.leads:
            self._write(state)
        self._cadence.restart()

    def _write(self, state: State) -> None:
        # what the state calls the best must be there
        self._parts.checkpoint.wait()
        try:
            write_state(self._trial.lineage.folder, state, examples_seen=self._parts.progress.examples_seen)
            self._protect_best()
        except OSError as error:
            log.warning("trial %d: its state was not saved (%s)", self._trial.number, error)

    def _protect_best(self) -> None:
        if self._parts.history.best is not None:
            self._parts.checkpoint.protect(self._parts.history.best.checkpoint)

    def _state(self) -> State:
        """Between two batches: all that the rest of the trial depends on."""
        parts, progress = self._parts, self._parts.progress
        stepper = parts.stepper.state()
        weights = {f"{MODEL}{name}": one for name, one in parts.model.named_parameters() if one.requires_grad}
        moments = {f"{OPTIMIZER}{name}": one for name, one in stepper.tensors.items()}
        facts = {
            **self._identity(),
            "stepper": stepper.facts,
            "order": parts.order.state(),
            "next_evaluation": parts.cadence.next,
            "history": parts.history.state(),
            "examples_seen": progress.examples_seen,
            "milestone": progress.milestone,
            "meter": progress.meter.state(),
            "seconds": progress.seconds,
            "evaluation_seconds": progress.evaluation.seconds,
        }
        tensors = {**weights, **moments, **generator_states(self._device)}
        # in one order on all ranks
        whole_ones = {name: gathered(tensors[name], here=self._group.leads) for name in sorted(tensors)}
        return State(whole_ones, facts)

    def _identity(self) -> dict[str, Any]:
        config = {name: self._trial.config[name] for name in RESULT_SECTIONS}
        return {"config": json.loads(json.dumps(config, default=str)), **self._fingerprints}

    def resume(self) -> int | None:
        """Continue where an earlier attempt was; the examples that it had seen, or None if there is nothing to resume.

        What it reported is reported again: the search knows nothing of a lost attempt. Whoever shows a person what is
        reported is told before.
        """
        lineage = self._trial.lineage
        state = read_state([lineage.folder, *lineage.earlier], identity=self._identity())
        # before the first one writes another
        self._group.wait()
        best = state.facts["history"]["best"] if state is not None else None
        if best is not None and not Path(best[1]).is_dir():
            log.warning("trial %d: %s is gone, it begins anew", self._trial.number, best[1])
            state = None
        if state is None:
            if self._group.leads:
                # those of another config would hide the new ones
                forget_states(lineage.folder)
            return None
        self._restore(state)
        tell_resumed(self._trial, self._parts.progress.examples_seen, len(self._parts.history.reports))
        for milestone, report in self._parts.history.reports:
            self._trial.report(milestone, report)
        return self._parts.progress.examples_seen

    def _restore(self, state: State) -> None:
        parts, facts = self._parts, state.facts
        self._restore_weights(state.part(MODEL))
        parts.stepper.restore(State(state.part(OPTIMIZER), facts["stepper"]))
        parts.order.restore(facts["order"])
        parts.cadence.next = facts["next_evaluation"]
        parts.history.restore(facts["history"])
        self._take_over()
        parts.progress.examples_seen, parts.progress.milestone = facts["examples_seen"], facts["milestone"]
        parts.progress.meter = Meter.restored(facts["meter"])
        # states of versions before have none
        parts.progress.began -= facts.get("seconds", 0.0)
        parts.progress.evaluation.seconds = facts.get("evaluation_seconds", 0.0)
        self._protect_best()
        if self._group.leads:
            restore_generators(state.tensors)
        else:
            # what it had drawn was not saved
            torch.manual_seed(hash((self._fit.seed, self._group.rank, parts.progress.examples_seen)))

    def _take_over(self) -> None:
        """What an earlier attempt has written is found in the trial's own folder, as all that it writes itself."""
        history, lineage = self._parts.history, self._trial.lineage
        if not self._group.leads:
            return
        try:
            take_over_steps(lineage.earlier, lineage.folder)
            if history.best is not None:
                place = taken_over(history.best.checkpoint, lineage.folder)
                history.best = replace(history.best, checkpoint=place)
        except OSError as error:
            log.warning(
                "trial %d: checkpoints stay in the folder of the attempt before (%s)", self._trial.number, error
            )

    @torch.no_grad()
    def _restore_weights(self, weights: Mapping[str, torch.Tensor]) -> None:
        for name, parameter in self._parts.model.named_parameters():
            if parameter.requires_grad:
                parameter.copy_(shared_out(weights[name], parameter))
