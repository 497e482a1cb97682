"""The worker: takes trials from a source and runs each to its outcome, several at once where that pays."""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import torch

from slimtune.training.config.method import LoraConfig
from slimtune.training.config.trial import TrialConfig, parse_trial
from slimtune.training.distributed.process_group import Ranks
from slimtune.training.engine.packing import Pack, gradients_that_fit
from slimtune.training.engine.slot_calibration import Decision
from slimtune.training.engine.timers import Phases
from slimtune.training.engine.trial_run import Lane, failed, finish
from slimtune.training.errors import ConfigError
from slimtune.training.hardware.device import MAX_SLOTS, empty_cache, is_out_of_memory, resolve
from slimtune.training.tracking.reporter import quiet
from slimtune.training.trial import Failed, FailureKind, Outcome, Trial, TrialSource
from slimtune.training.workbench import workbench
from slimtune.training.workbench.workbench import workbench_for, workbench_key

# ended trials whose last words the tracker has not taken yet
MAX_CLOSING = 4

# trains one trial on so many devices
Conduct = Callable[[Trial, int], Outcome]

log = logging.getLogger(__name__)


class GivenTrials:
    """A source of trials that are known beforehand."""

    def __init__(self, trials: Iterable[Trial]) -> None:
        self._trials = iter(trials)

    def next(self) -> Trial | None:
        return next(self._trials, None)


class Engine:
    """Keeps as many trials going as there are slots, and refills a slot as soon as its trial has ended.

    Args:
        source: Of trials.
        decision: How many at once; None goes by the first trial's config.
        ranks: The processes that train each trial together, of which this one leads; None lets trials on several
            devices have processes of their own.
        conduct: Trains one trial on so many devices in such processes; None where `ranks` are given.

    Attributes:
        last_outcome: Of the trial that ended last.
    """

    def __init__(
        self,
        source: TrialSource,
        *,
        decision: Decision | None = None,
        ranks: Ranks | None = None,
        conduct: Conduct | None = None,
    ) -> None:
        self._source, self._ranks, self._conduct = source, ranks, conduct
        # by workbench: a search is not timed again for each batch size that it samples
        self._decisions: dict[str, Decision] = {}
        self._decision = decision
        self._lanes: list[Lane] = []
        # begun, but without memory for its slot
        self._waiting: list[Lane] = []
        # ended, but not all is written
        self._closing: list[Lane] = []
        self._pack = Pack()
        # a trial that cannot ride with those under way
        self._held: tuple[Trial, TrialConfig] | None = None
        self._has_room = True
        # lanes that share a pass at most; fewer after a pass did not fit into memory
        self._limit = MAX_SLOTS
        self.last_outcome: Outcome | None = None
        # when a slot became free that no trial has used yet
        self._idle_since: float | None = None
        self._phases = Phases()

    def run(self) -> None:
        """Until the source has no more trials."""
        try:
            while True:
                if self._has_room:
                    self._fill()
                if not self._lanes:
                    return
                self._tick()
        except BaseException:
            for lane in (*self._lanes, *self._waiting, *self._closing):
                lane.interrupt()
            raise
        finally:
            quiet.end()
            self._wait_for_tracker(0)
            log.info("worker: %s", self._phases)

    def _fill(self) -> None:
        """Take trials into the free slots."""
        while len(self._lanes) < self._room():
            lane = self._waiting.pop(0) if self._waiting else self._next_lane()
            if lane is None:
                break
            self._start(lane)
        # the source is asked again when a lane is free
        self._has_room = False
        quiet.end()

    def _next_lane(self) -> Lane | None:
        """The next trial with its run; who cannot ride with those under way waits for their end."""
        while True:
            self._held = self._held or self._next()
            if self._held is None or (self._lanes and not rides_along(self._held[1], self._lanes[0].config)):
                return None
            (trial, config), self._held = self._held, None
            if config.fit.devices > 1 and self._conduct is not None:
                self._tell(trial, self._conducted(trial, config, self._conduct))
                continue
            try:
                return Lane(trial, config)
            except OSError as error:
                self._tell(trial, failed(error))

    def _conducted(self, trial: Trial, config: TrialConfig, conduct: Conduct) -> Outcome:
        """A trial in processes of its own; the next one waits for its end."""
        # its processes have bases of their own
        workbench.clear()
        try:
            resolve(config.fit)
            return conduct(trial, config.fit.devices)
        except Exception as error:  # noqa: BLE001  # whatever a trial dies of, the sweep goes on
            return failed(error)

    def _room(self) -> int:
        if not self._lanes:
            return 1
        first = self._lanes[0]
        return min(self._limit, first.decision.slots) if first.parts is not None else 1

    def _next(self) -> tuple[Trial, TrialConfig] | None:
        """The next trial whose config is good; others are told as failed."""
        while (trial := self._source.next()) is not None:
            parsed = parse_trial(trial.config)
            if not parsed.problems:
                return trial, parsed.section
            story = str(ConfigError(parsed.problems))
            self._tell(trial, Failed(FailureKind.bad_config, "; ".join(parsed.problems), story))
        return None

    def _tell(self, trial: Trial, outcome: Outcome) -> None:
        self.last_outcome = outcome
        finish(trial, outcome)

    def _start(self, lane: Lane) -> None:
        self._lanes.append(lane)
        try:
            resources = resolve(lane.config.fit, self._ranks)
            torch.set_num_threads(resources.num_threads)
            key = workbench_key(lane.config, resources)
            decision = self._decision or self._decisions.get(key)
            lane.take_slot(workbench_for(lane.config, resources), resources, decision)
            if lane.decision.gain is not None:
                self._decisions.setdefault(key, lane.decision)
            if lane.parts is not None:
                self._pack.join(lane.slot, lane.parts)
        except Exception as error:  # noqa: BLE001  # whatever a trial dies of, the sweep goes on
            if is_out_of_memory(error) and len(self._lanes) > 1:
                self._wait_for_memory(lane, error)
            else:
                self._close(lane, failed(error))
            return
        if lane.parts is None and lane.decision.slots > 1:
            log.info("trial %d: runs alone, it cannot share a pass (docs/design/slots.md)", lane.number)
        if self._idle_since is not None:
            seconds = time.perf_counter() - self._idle_since
            log.info("trial %d: ready %.3f s after the last one's end", lane.number, seconds)
            self._idle_since = None

    def _wait_for_memory(self, lane: Lane, error: Exception) -> None:
        self._lanes.remove(lane)
        self._waiting.append(lane)
        self._limit = len(self._lanes)
        log.warning("trial %d: waits until one of %d has ended (%s)", lane.number, self._limit, error)

    def _close(self, lane: Lane, outcome: Outcome) -> None:
        self._closing.append(lane)
        self._lanes.remove(lane)
        self._has_room = True
        if not self._lanes:
            self._limit = MAX_SLOTS
        if lane.parts is not None:
            self._pack.leave(lane.slot)
        self.last_outcome = outcome
        # the trial must have its run's name before it ends
        lane.reporter.wait_until_open()
        self._idle_since = time.perf_counter()
        quiet.begin()
        lane.close(outcome)
        self._wait_for_tracker(MAX_CLOSING)

    def _wait_for_tracker(self, most: int) -> None:
        """Until at most so many ended trials are still being written: a slow tracker must not pile them up."""
        while len(self._closing) > most:
            self._closing.pop(0).join()

    def _tick(self) -> None:
        """One micro-batch for each lane that is under way, or the evaluations that are due."""
        lanes = self._under_way()
        due = [lane for lane in lanes if lane.slot.evaluation_due]
        if due:
            for lane in due:
                with self._phases.evaluation:
                    outcome = self._attempt(lane, lane.evaluate)
                if outcome is not None:
                    self._close(lane, outcome)
            return
        with self._phases.training:
            endings = self._train(lanes)
        for lane, outcome in endings:
            self._close(lane, outcome)

    def _under_way(self) -> list[Lane]:
        first = self._lanes[0]
        if first.parts is None:
            return [first]
        return [lane for lane in self._lanes if lane.parts is not None][: self._limit]

    def _train(self, lanes: Sequence[Lane]) -> list[tuple[Lane, Outcome]]:
        """A micro-batch of each lane; who ended by it."""
        if len(lanes) > 1 and not self._shared_pass(lanes):
            return []
        endings = []
        for lane in lanes:
            outcome = self._attempt(lane, partial(_micro_step, lane, alone=len(lanes) == 1))
            if outcome is not None:
                endings.append((lane, outcome))
        return endings

    def _shared_pass(self, lanes: Sequence[Lane]) -> bool:
        """Whether the gradients of all lanes are there."""
        try:
            passes = self._pack.gradients([lane.slot for lane in lanes])
        except Exception as error:  # noqa: BLE001  # nobody knows whose fault it is: each finds out in a smaller pass
            self._shrink(lanes, error)
            return False
        by_slot = {lane.slot: lane for lane in lanes}
        for riders in passes:
            numbers = {by_slot[slot].number for slot in riders}
            for slot in riders:
                by_slot[slot].mates |= numbers
        return True

    def _shrink(self, lanes: Sequence[Lane], error: Exception) -> None:
        for lane in lanes:
            lane.slot.rewind()
        self._limit = max(1, len(lanes) // 2) if is_out_of_memory(error) else 1
        log.warning("a pass of %d trials failed (%s); from now on %d share one", len(lanes), error, self._limit)
        empty_cache()

    def _attempt(self, lane: Lane, work: Callable[[], Outcome | None]) -> Outcome | None:
        """The trial boundary: any ending becomes an outcome."""
        try:
            return work()
        except Exception as error:  # noqa: BLE001  # whatever a trial dies of, the sweep goes on
            if is_out_of_memory(error) and lane.slot.evaluation_due and len(self._under_way()) > 1:
                # it is evaluated again with fewer beside it
                self._shrink(self._under_way(), error)
                return None
            return failed(error)


def _micro_step(lane: Lane, *, alone: bool) -> None:
    if alone and not gradients_that_fit(lane.slot):
        return
    lane.slot.advance(lane.reporter)


def rides_along(config: TrialConfig, first: TrialConfig) -> bool:
    """Whether a trial may share the base with one under way; what only the model can tell is seen later."""
    method = config.method
    plain = isinstance(method, LoraConfig) and method.dropout == 0 and not method.mutates_base
    ours, theirs = (
        (one.task, one.data, one.model, one.fit.precision, one.fit.device, one.fit.threads, one.fit.slots)
        for one in (config, first)
    )
    return plain and ours == theirs
