"""How many trials a worker trains at once: timed on the first trial's own rows, and remembered for the machine."""

import hashlib
import json
import logging
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch

from slimtune.training.atomic_files import write_json
from slimtune.training.config.trial import TrialConfig
from slimtune.training.engine.cadence import plan_of
from slimtune.training.engine.compile import is_worth_compiling
from slimtune.training.engine.packing import gradients_alone, packable, packing_of
from slimtune.training.engine.trainer import TrialTrainer
from slimtune.training.errors import is_out_of_memory
from slimtune.training.hardware.resources import Resources
from slimtune.training.trial import Trial
from slimtune.training.workbench.workbench import Workbench, workbench_key

# tried by null, by type of device
AUTO_SLOTS = {"cpu": 4, "cuda": 8}
# rounds after the one that warms up, unless they take long
ROUNDS, LEAST_ROUNDS, ENOUGH_SECONDS = 6, 2, 3.0
# timings differ by a tenth on a busy machine, and trials of other batch sizes share less than the equal ones timed here
LEAST_GAIN = 1.25
# a pass of a single trial that takes longer is bound by arithmetic
LONG_PASS_SECONDS = 1.0

log = logging.getLogger(__name__)


class SlotDecision(NamedTuple):
    """How many trials a worker trains at once, and why.

    Attributes:
        slots: Trials to train at once.
        gain: Their trials per hour relative to one after the other, as it was measured; None where nothing was.
    """

    slots: int
    gain: float | None


def decide_slots(trial: Trial, config: TrialConfig, bench: Workbench, resources: Resources) -> SlotDecision:
    """`fit.slots`, or what is faster here: one trial after the other, or several in one pass.

    Measured once for a machine, model, batch size and data; afterwards the decision is read from `data.cache_dir`, so
    that a search can be repeated to the last digit.
    """
    if config.fit.slots is not None:
        return SlotDecision(config.fit.slots, None)
    if is_worth_compiling(config.fit, plan_of(config.fit, len(bench.splits["train"])), resources):
        return SlotDecision(1, None)
    path = Path(config.data.cache_dir).expanduser() / "slots" / f"{_key(config, resources)}.json"
    known = _read(path)
    if known is not None:
        return known
    devices = [resources.device] if resources.device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        decision = _measure(
            # each with an order of its own: batches of different length share a pass less well than equal ones
            lambda index: TrialTrainer(trial, config._replace(fit=replace(config.fit, seed=index)), bench, resources),
            AUTO_SLOTS[resources.device.type],
        )
    if decision.gain is not None:
        write_json(path, decision._asdict())
    return decision


def _measure(make_trainer: Callable[[int], TrialTrainer], most: int) -> SlotDecision:
    first = make_trainer(0)
    if packable(first) is None:
        return SlotDecision(1, None)
    started = time.perf_counter()
    try:
        trainers = [first, *(make_trainer(index) for index in range(1, most))]
        gain = _gain(trainers)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        gain = 0.0
    seconds = time.perf_counter() - started
    chosen = most if gain >= LEAST_GAIN else 1
    log.info(
        "slots: %d (%d trials in one pass: %.2f times the speed of one; timed in %.1f s)", chosen, most, gain, seconds
    )
    return SlotDecision(chosen, round(gain, 3))


def _gain(trainers: Sequence[TrialTrainer]) -> float:
    packing = packing_of(trainers)
    if _seconds(trainers, lambda: gradients_alone(trainers[0])) > LONG_PASS_SECONDS:
        return 1.0
    together, alone = [], []
    for _ in range(ROUNDS + 1):
        together.append(_seconds(trainers, lambda: packing.gradients(trainers)))
        alone.append(_seconds(trainers, lambda: _one_after_the_other(trainers)))
        for trainer in trainers:
            trainer.skip()
        if len(alone) > LEAST_ROUNDS and sum(alone) + sum(together) > ENOUGH_SECONDS:
            break
    # the first round warms up; rounds differ in length, so their sums are compared
    return sum(alone[1:]) / sum(together[1:])


def _one_after_the_other(trainers: Sequence[TrialTrainer]) -> None:
    for trainer in trainers:
        gradients_alone(trainer)


def _seconds(trainers: Sequence[TrialTrainer], work: Callable[[], object]) -> float:
    """Of passes over the same rows; they leave nothing behind."""
    is_cuda = trainers[0].resources.device.type == "cuda"
    if is_cuda:
        torch.cuda.synchronize()
    started = time.perf_counter()
    work()
    if is_cuda:
        torch.cuda.synchronize()
    seconds = time.perf_counter() - started
    for trainer in trainers:
        trainer.rewind()
    return seconds


def _key(config: TrialConfig, resources: Resources) -> str:
    machine = torch.cuda.get_device_name(resources.device) if resources.device.type == "cuda" else platform.processor()
    facts = [
        machine,
        platform.node(),
        torch.__version__,
        resources.num_threads,
        config.fit.rows_at_once,
        workbench_key(config, resources),
    ]
    return hashlib.sha256(json.dumps(facts, default=str).encode()).hexdigest()[:32]


def _read(path: Path) -> SlotDecision | None:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return SlotDecision(int(values["slots"]), values["gain"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("slots: %s cannot be read (%s); they are timed again", path, error)
        return None
