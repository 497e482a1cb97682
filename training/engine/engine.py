"""The worker: takes trials from a source and runs each to its outcome, several at once where that pays."""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol

import torch

from slimtune.training.config.trial import TrialConfig, parse_trial
from slimtune.training.config.trust import code_of, trust_own
from slimtune.training.distributed.process_group import ProcessGroup
from slimtune.training.engine.packing import Packing, gradients_that_fit
from slimtune.training.engine.slot_calibration import SlotDecision
from slimtune.training.engine.slots.sharing import can_share
from slimtune.training.engine.timers import Timers
from slimtune.training.engine.trial_run import Observers, Phase, TrialRun, failed, finish
from slimtune.training.errors import ConfigError, is_out_of_memory
from slimtune.training.hardware.memory import empty_cache
from slimtune.training.hardware.monitor import ResourceMonitor
from slimtune.training.hardware.resources import Resources, resolve
from slimtune.training.tracking.outbox_run import Trackers
from slimtune.training.tracking.reporter import Quiet
from slimtune.training.trial import Failed, FailureKind, Outcome, Trial, TrialSource
from slimtune.training.workbench.workbench import Workbenches, workbench_key

# more than a base of a useful size leaves memory for
MAX_SLOTS = 64
# ended trials whose last words the tracker has not taken yet
MAX_CLOSING = 4

log = logging.getLogger(__name__)


class RankLauncher(Protocol):
    """Trains one trial in several processes of its own; they have ended when it returns."""

    def __call__(self, trial: Trial, *, num_ranks: int, num_workers: int) -> Outcome: ...


class GivenTrials:
    """A source of trials that are known beforehand.

    Attributes:
        num_workers: Workers that share this machine's cores.
    """

    def __init__(self, trials: Iterable[Trial], *, num_workers: int = 1) -> None:
        self._trials = iter(trials)
        self.num_workers = num_workers

    def next(self) -> Trial | None:
        """The next one."""
        return next(self._trials, None)


class Engine:
    """Keeps as many trials in training as there are slots, and refills a slot as soon as its trial has ended.

    Args:
        source: Of trials.
        decision: How many at once; None goes by the first trial's config.
        group: The processes that train each trial together, of which this one leads; None where it trains alone.
        launch_ranks: Trains a trial on several devices; None where this process is already one of several.
        benches: What trials share, kept for whoever owns it; None keeps it for this engine alone.

    Attributes:
        last_outcome: Of the trial that ended last.
    """

    def __init__(
        self,
        source: TrialSource,
        *,
        decision: SlotDecision | None = None,
        group: ProcessGroup | None = None,
        launch_ranks: RankLauncher | None = None,
        benches: Workbenches | None = None,
    ) -> None:
        self._source, self._group, self._launch_ranks = source, group, launch_ranks
        # by workbench: a search is not timed again for each batch size that it samples
        self._decisions: dict[str, SlotDecision] = {}
        self._decision = decision
        self._benches = benches or Workbenches()
        # of each phase in the order in which they came to it
        self._runs: list[TrialRun] = []
        self._packing = Packing()
        # the next trial, until those under way, which it cannot share passes with, have ended
        self._held: tuple[Trial, TrialConfig] | None = None
        self._has_room = True
        # trials that share a pass at most; fewer after a pass did not fit into memory
        self._limit = MAX_SLOTS
        self.last_outcome: Outcome | None = None
        # when a slot became free that no trial has used yet
        self._idle_since: float | None = None
        self._timers = Timers()
        self._observers = Observers(Trackers(), Quiet(), ResourceMonitor())

    def run(self) -> None:
        """Until the source has no more trials."""
        try:
            while True:
                if self._has_room:
                    self._fill()
                if not self._in(Phase.training):
                    return
                if not self._ended_from_outside():
                    self._tick()
        except BaseException:
            for run in list(self._runs):
                run.interrupt()
            raise
        finally:
            self._observers.monitor.close()
            self._observers.quiet.end()
            self._wait_for_tracker(0)
            log.info("worker: %s", self._timers)

    def _in(self, phase: Phase) -> list[TrialRun]:
        return [run for run in self._runs if run.phase is phase]

    def _move(self, run: TrialRun, phase: Phase) -> None:
        if run in self._runs:
            self._runs.remove(run)
        run.phase = phase
        self._runs.append(run)

    def _fill(self) -> None:
        """Take trials into the free slots."""
        while len(self._in(Phase.training)) < self._room():
            waiting = self._in(Phase.waiting)
            run = waiting[0] if waiting else self._next_run()
            if run is None:
                break
            self._start(run)
        # the source is asked again when a slot is free
        self._has_room = False
        self._observers.quiet.end()

    def _next_run(self) -> TrialRun | None:
        """The next trial with its run; one that cannot share passes with those under way is held until their end."""
        while True:
            self._held = self._held or self._next()
            training = self._in(Phase.training)
            if self._held is None or (training and not can_share(self._held[1], training[0].config)):
                return None
            (trial, config), self._held = self._held, None
            if config.fit.devices > 1 and self._launch_ranks is not None:
                self._tell(trial, self._on_devices(trial, config, self._launch_ranks))
                continue
            try:
                return TrialRun(trial, config, self._observers)
            except OSError as error:
                self._tell(trial, failed(error))

    def _on_devices(self, trial: Trial, config: TrialConfig, launch_ranks: RankLauncher) -> Outcome:
        """The outcome of a trial in processes of its own; the next one waits for its end."""
        # its processes have bases of their own
        self._benches.clear()
        try:
            self._resolve(config)
            return launch_ranks(trial, num_ranks=config.fit.devices, num_workers=self._source.num_workers)
        except Exception as error:  # noqa: BLE001  # whatever a trial dies of, the sweep continues
            return failed(error)

    def _resolve(self, config: TrialConfig) -> Resources:
        return resolve(config.fit, self._group, num_workers=self._source.num_workers)

    def _room(self) -> int:
        training = self._in(Phase.training)
        if not training:
            return 1
        first = training[0]
        return min(self._limit, first.decision.slots) if first.parts is not None else 1

    def _next(self) -> tuple[Trial, TrialConfig] | None:
        """The next trial whose config is good; others are told as failed."""
        while (trial := self._source.next()) is not None:
            parsed = parse_trial(trial.config)
            if not parsed.problems:
                # its code runs here anyway: a checkpoint of the trial may name it
                trust_own(code_of(parsed.section))
                return trial, parsed.section
            story = str(ConfigError(parsed.problems))
            self._tell(trial, Failed(FailureKind.bad_config, "; ".join(parsed.problems), story))
        return None

    def _tell(self, trial: Trial, outcome: Outcome) -> None:
        self.last_outcome = outcome
        finish(trial, outcome)

    def _start(self, run: TrialRun) -> None:
        self._move(run, Phase.training)
        try:
            self._make_trainer(run)
        except Exception as error:  # noqa: BLE001  # whatever a trial dies of, the sweep continues
            if is_out_of_memory(error) and len(self._in(Phase.training)) > 1:
                self._wait_for_memory(run, error)
            else:
                self._close(run, failed(error))
            return
        if run.parts is None and run.decision.slots > 1:
            log.info("trial %d: runs alone, it cannot share a pass (docs/design/slots.md)", run.number)
        if self._idle_since is not None:
            seconds = time.perf_counter() - self._idle_since
            log.info("trial %d: ready %.3f s after the last one's end", run.number, seconds)
            self._idle_since = None

    def _make_trainer(self, run: TrialRun) -> None:
        resources = self._resolve(run.config)
        torch.set_num_threads(resources.num_threads)
        key = workbench_key(run.config, resources)
        decision = self._decision or self._decisions.get(key)
        run.make_trainer(self._benches.get(run.config, resources), resources, decision)
        if run.decision.gain is not None:
            self._decisions.setdefault(key, run.decision)
        if run.parts is not None:
            self._packing.join(run.trainer, run.parts)

    def _wait_for_memory(self, run: TrialRun, error: Exception) -> None:
        self._move(run, Phase.waiting)
        self._limit = len(self._in(Phase.training))
        log.warning("trial %d: waits until one of %d has ended (%s)", run.number, self._limit, error)

    def _close(self, run: TrialRun, outcome: Outcome) -> None:
        self._move(run, Phase.closing)
        self._has_room = True
        if not self._in(Phase.training):
            self._limit = MAX_SLOTS
        if run.parts is not None:
            self._packing.leave(run.trainer)
        self.last_outcome = outcome
        # the trial must have its run's name before it ends
        run.reporter.wait_until_open()
        self._idle_since = time.perf_counter()
        self._observers.quiet.begin()
        run.close(outcome)
        self._wait_for_tracker(MAX_CLOSING)

    def _wait_for_tracker(self, most: int) -> None:
        """Until at most so many ended trials are still being written: a slow tracker must not pile them up."""
        while len(closing := self._in(Phase.closing)) > most:
            self._runs.remove(closing[0])
            closing[0].join()

    def _ended_from_outside(self) -> bool:
        """Whether the search has ended a trial between two of its steps; the slots are to be filled again."""
        endings = [(run, ending) for run in self._under_way() if (ending := run.pulse()) is not None]
        for run, ending in endings:
            if ending.kind is FailureKind.stopped:
                self._put_down(run, ending)
            else:
                self._close(run, ending)
        return bool(endings)

    def _put_down(self, run: TrialRun, ending: Failed) -> None:
        """Keep the trial's state; it is resumed when it is wanted again."""
        self._attempt(run, run.trainer.save)
        if run.parts is not None:
            self._packing.leave(run.trainer)
        self._runs.remove(run)
        self._has_room = True
        self.last_outcome = ending
        run.stop(ending)

    def _tick(self) -> None:
        """One micro-batch for each trial that is under way, or the evaluations that are due."""
        runs = self._under_way()
        due = [run for run in runs if run.trainer.evaluation_due]
        if due:
            for run in due:
                with self._timers.evaluation:
                    outcome = self._attempt(run, run.evaluate)
                if outcome is not None:
                    self._close(run, outcome)
            return
        started = time.perf_counter()
        with self._timers.training:
            endings = self._train(runs)
        seconds, alone_seconds = time.perf_counter() - started, sum(run.alone_seconds for run in runs)
        for run in runs:
            run.add_tick(seconds, alone_seconds)
        for run, outcome in endings:
            self._close(run, outcome)

    def _under_way(self) -> list[TrialRun]:
        training = self._in(Phase.training)
        if training[0].parts is None:
            return training[:1]
        return [run for run in training if run.parts is not None][: self._limit]

    def _train(self, runs: Sequence[TrialRun]) -> list[tuple[TrialRun, Outcome]]:
        """A micro-batch of each trial; those that ended by it."""
        if len(runs) > 1 and not self._shared_pass(runs):
            return []
        endings = []
        for run in runs:
            outcome = self._attempt(run, partial(_micro_step, run, alone=len(runs) == 1))
            if outcome is not None:
                endings.append((run, outcome))
        return endings

    def _shared_pass(self, runs: Sequence[TrialRun]) -> bool:
        """Whether the gradients of all trials are there."""
        try:
            passes = self._packing.gradients([run.trainer for run in runs])
        except Exception as error:  # noqa: BLE001  # nobody knows whose fault it is: each finds out in a smaller pass
            self._shrink(runs, error)
            return False
        by_trainer = {run.trainer: run for run in runs}
        for trainers in passes:
            numbers = {trainer.number for trainer in trainers}
            for trainer in trainers:
                by_trainer[trainer].packed_with |= numbers
        return True

    def _shrink(self, runs: Sequence[TrialRun], error: Exception) -> None:
        for run in runs:
            run.trainer.rewind()
        self._limit = max(1, len(runs) // 2) if is_out_of_memory(error) else 1
        log.warning("a pass of %d trials failed (%s); from now on %d share one", len(runs), error, self._limit)
        empty_cache()

    def _attempt(self, run: TrialRun, work: Callable[[], Outcome | None]) -> Outcome | None:
        """The trial boundary: any ending becomes an outcome."""
        try:
            return work()
        except Exception as error:  # noqa: BLE001  # whatever a trial dies of, the sweep continues
            if is_out_of_memory(error) and run.trainer.evaluation_due and len(self._under_way()) > 1:
                # it is evaluated again with fewer beside it
                self._shrink(self._under_way(), error)
                return None
            return failed(error)


def _micro_step(run: TrialRun, *, alone: bool) -> None:
    if alone and not gradients_that_fit(run.trainer):
        return
    run.trainer.advance(run.reporter)
