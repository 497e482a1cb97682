"""How many trials a worker trains at once: timed on the first trial's own rows, and remembered for the machine."""

import hashlib
import json
import logging
import math
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch

from slimtune.training.atomic_files import write_json
from slimtune.training.config.trial import TrialConfig
from slimtune.training.engine.cadence import plan_of
from slimtune.training.engine.compile import is_worth_compiling
from slimtune.training.engine.graphs.static_calls import WARM_CALLS
from slimtune.training.engine.packing import Packing, gradients_alone, packable, packing_of
from slimtune.training.engine.slots.alone_cost import AloneCost, alone_cost
from slimtune.training.engine.trainer import TrialTrainer
from slimtune.training.errors import Diverged, is_out_of_memory
from slimtune.training.hardware.resources import Resources
from slimtune.training.trial import Trial
from slimtune.training.usual_places import home_path
from slimtune.training.workbench.workbench import Workbench, workbench_key

# tried by null, by type of device
AUTO_SLOTS = {"cpu": 4, "cuda": 8}
# rounds after those that warm up, unless they take long
ROUNDS, LEAST_ROUNDS, ENOUGH_SECONDS = 6, 2, 3.0
# timings differ by a tenth on a busy machine, and trials of other batch sizes share less than the equal ones timed here
LEAST_GAIN = 1.25
# a gain so far above that, or below it, is clear without further rounds; so far below, it is after the first
CLEARLY, HOPELESSLY = 1.15, 1.4
# batches over the first trial's: what a search samples is mixed, and a pass of it shares less well than an even one
MIX = (1.0, 0.5, 2.0, 1.0)
# steps of each trial by which the most that a pass can gain is told
PROBES = 3
# the steps that are timed move hardly anything: nobody diverges by them
TIMED_LEARNING_RATE = 1e-9
# batches that steps which become graphs are timed over: each is captured for each trial that goes alone
GRAPHED_BATCHES = 2
# a step of a single trial that takes longer is bound by arithmetic
LONG_STEP_SECONDS = 1.0

log = logging.getLogger(__name__)


class SlotDecision(NamedTuple):
    """How many trials a worker trains at once, and why.

    Attributes:
        slots: Trials to train at once.
        gain: Their trials per hour relative to one after the other, as it was measured, or what they can be at most
            where that is too little; None where nothing was measured.
        alone: What a micro-batch and its step took of one trial alone, by which a run tells what was reached.
    """

    slots: int
    gain: float | None
    alone: AloneCost | None = None


class StepTimes(NamedTuple):
    """Seconds of whole steps of the same trials.

    Attributes:
        alone: One trial after the other, in the mean of the trials.
        together: All in one pass, likewise.
        cost: Of one alone by the rows of its micro-batches.
    """

    alone: float
    together: float
    cost: AloneCost

    @property
    def gain(self) -> float:
        """Trials per hour together, relative to alone."""
        return self.alone / self.together


# without memory for several there is nothing to gain
NO_ROOM = StepTimes(0.0, 1.0, AloneCost(0.0, 0.0))


def decide_slots(trial: Trial, config: TrialConfig, bench: Workbench, resources: Resources) -> SlotDecision:
    """`fit.slots`, or what is faster here: one trial after the other, or several in one pass.

    Measured once for a machine, model, batch size and data; afterwards the decision is read from `data.cache_dir`, so
    that a search can be repeated to the last digit.
    """
    if config.fit.slots is not None:
        return SlotDecision(config.fit.slots, None)
    if is_worth_compiling(config.fit, plan_of(config.fit, len(bench.splits["train"])), resources):
        return SlotDecision(1, None)
    path = home_path(config.data.cache_dir) / "slots" / f"{_key(config, resources)}.json"
    known = _read(path)
    if known is not None:
        return known
    devices = [resources.device] if resources.device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        decision = _measure(
            lambda index: TrialTrainer(trial, _varied(config, index), bench, resources),
            AUTO_SLOTS[resources.device.type],
        )
    if decision.gain is not None:
        write_json(path, decision._asdict())
    return decision


def _varied(config: TrialConfig, index: int) -> TrialConfig:
    """A trial of the search as it may be: with a batch and an order of its own; it writes nothing."""
    fit = config.fit
    batch_size = max(1, round(fit.batch_size * MIX[index % len(MIX)]))
    varied = replace(
        fit, seed=index, batch_size=batch_size, learning_rate=TIMED_LEARNING_RATE, save_minutes=None, max_steps=None
    )
    return config._replace(fit=varied)


def _measure(make_trainer: Callable[[int], TrialTrainer], most: int) -> SlotDecision:
    first = make_trainer(0)
    if packable(first) is None:
        return SlotDecision(1, None)
    started = time.perf_counter()
    try:
        most_gain = _most_gain([first, make_trainer(1)], most)
        # it goes through one batch again and again
        del first
        if most_gain < LEAST_GAIN:
            log.info("slots: 1 (%d trials in one pass: at most %.2f times the speed of one)", most, most_gain)
            return SlotDecision(1, round(most_gain, 3), NO_ROOM.cost)
        timing = _timing(make_trainer, most)
    except Diverged:
        # the trial will tell by itself
        return SlotDecision(1, None)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        timing = NO_ROOM
    seconds = time.perf_counter() - started
    chosen = most if timing.gain >= LEAST_GAIN else 1
    log.info(
        "slots: %d (steps of %d trials of mixed batches in one pass: %.2f times the speed of one; timed in %.1f s)",
        *(chosen, most, timing.gain, seconds),
    )
    return SlotDecision(chosen, round(timing.gain, 3), timing.cost)


def _most_gain(trainers: Sequence[TrialTrainer], num_trials: int) -> float:
    """What so many trials in one pass can gain, by two that go alone; infinite where that is no bound.

    A pass shares what a step takes whatever its tokens; the tokens take as long as ever. Steps that become graphs have
    another cost then.
    """
    probes = [_probed(trainer) for trainer in trainers]
    seconds_N, tokens_N = [seconds for seconds, _ in probes], [tokens for _, tokens in probes]
    if seconds_N[0] > LONG_STEP_SECONDS:
        return 1.0
    if trainers[0].graphs.reason is None:
        return math.inf
    cost = alone_cost(tokens_N, seconds_N)
    tokens = round(tokens_N[0] * sum(MIX) / len(MIX))
    return cost.seconds(tokens) / (cost.call_seconds / num_trials + cost.row_seconds * tokens)


def _probed(trainer: TrialTrainer) -> tuple[float, float]:
    """Seconds of a step of one that goes alone, and its tokens; of the same batch, since new shapes take longer."""
    packing_of([trainer])
    trainer.repeat(1)
    return min(_probe(trainer) for _ in range(PROBES))


def _probe(trainer: TrialTrainer) -> tuple[float, float]:
    before = trainer.stepper.filled
    seconds = _seconds([trainer], partial(gradients_alone, trainer))
    tokens = trainer.stepper.filled - before
    return seconds + _seconds([trainer], lambda: trainer.advance(None)), float(tokens)


def _timing(make_trainer: Callable[[int], TrialTrainer], most: int) -> StepTimes:
    """Of whole steps of trials of mixed batches, which go through the same batches alone and together."""
    # more would be of the same sizes again
    lone = [make_trainer(index) for index in range(min(most, len(MIX)))]
    for trainer in lone:
        packing_of([trainer])
    twins = [make_trainer(index) for index in range(most)]
    packing = packing_of(twins)
    for _ in range(_num_warm_rounds([*lone, *twins])):
        _round(packing, twins, lone)
    rounds: list[_Round] = []
    rows_N = [trainer.rows_at_once for trainer in lone]
    while len(rounds) < ROUNDS and not (rounds and _is_enough(rounds, rows_N, len(twins))):
        rounds.append(_round(packing, twins, lone))
    return _times(rounds, rows_N, len(twins))


class _Round(NamedTuple):
    """Seconds of a step of all in one pass, and of each that goes alone."""

    together: float
    alone_N: tuple[float, ...]

    @property
    def seconds(self) -> float:
        """Of all of it."""
        return self.together + sum(self.alone_N)


def _is_enough(rounds: Sequence[_Round], rows_N: Sequence[int], num_trials: int) -> bool:
    """Whether more rounds are too dear, or would not turn the decision."""
    gain = _times(rounds, rows_N, num_trials).gain
    if len(rounds) < LEAST_ROUNDS:
        return gain < LEAST_GAIN / HOPELESSLY
    is_clear = not LEAST_GAIN / CLEARLY < gain < LEAST_GAIN * CLEARLY
    return is_clear or sum(one.seconds for one in rounds) >= ENOUGH_SECONDS


def _num_warm_rounds(trainers: Sequence[TrialTrainer]) -> int:
    """Rounds before those that are timed: what is lazily made is made by then, and what pays is a graph.

    Graphs need shapes that come again, as they do in a search: the trials go through a few batches again and again.
    """
    if trainers[0].graphs.reason is not None:
        return 1
    for trainer in trainers:
        trainer.repeat(GRAPHED_BATCHES)
    return GRAPHED_BATCHES * max(trainer.passes_per_step for trainer in trainers) * (WARM_CALLS + 1)


def _round(packing: Packing, twins: Sequence[TrialTrainer], lone: Sequence[TrialTrainer]) -> _Round:
    together = _seconds(twins, lambda: _in_one_pass(packing, twins))
    return _Round(together, tuple(_seconds([one], partial(_alone, one)) for one in lone))


def _times(rounds: Sequence[_Round], rows_N: Sequence[int], num_trials: int) -> StepTimes:
    """Rounds differ in length, so their sums are compared."""
    alone_N = [sum(one.alone_N[index] for one in rounds) / len(rounds) for index in range(len(rows_N))]
    together = sum(one.together for one in rounds) / len(rounds) / num_trials
    return StepTimes(sum(alone_N) / len(alone_N), together, alone_cost(rows_N, alone_N))


def _in_one_pass(packing: Packing, trainers: Sequence[TrialTrainer]) -> None:
    packing.gradients(trainers)
    for trainer in trainers:
        trainer.advance(None)


def _alone(trainer: TrialTrainer) -> None:
    gradients_alone(trainer)
    trainer.advance(None)


def _seconds(trainers: Sequence[TrialTrainer], work: Callable[[], object]) -> float:
    is_cuda = trainers[0].resources.device.type == "cuda"
    if is_cuda:
        torch.cuda.synchronize()
    started = time.perf_counter()
    work()
    if is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - started


def _key(config: TrialConfig, resources: Resources) -> str:
    machine = torch.cuda.get_device_name(resources.device) if resources.device.type == "cuda" else platform.processor()
    facts = [
        # what is timed
        [MIX, "steps after captures"],
        machine,
        platform.node(),
        torch.__version__,
        resources.num_threads,
        config.fit.rows_at_once,
        config.fit.cuda_graphs,
        workbench_key(config, resources),
    ]
    return hashlib.sha256(json.dumps(facts, default=str).encode()).hexdigest()[:32]


def _read(path: Path) -> SlotDecision | None:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return SlotDecision(int(values["slots"]), values["gain"], AloneCost(*values["alone"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("slots: %s cannot be read (%s); they are timed again", path, error)
        return None
