"""Weights, gradients and moments of all trials of a pass, stacked, and the step that moves all of them at once."""

# S slots, P elements of a trial's row, N trained tensors of a trial

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import nn

from slimtune.training.engine.graphs.static_calls import Outputs, StaticCalls, Tensors, run_directly
from slimtune.training.engine.optimizer import RATIO
from slimtune.training.engine.slots.bank_layout import Owned, layout_of, owned_by, trained_module
from slimtune.training.engine.slots.joint_adamw import Moments, SlotSteps, joint_step, moves_jointly, step_inputs
from slimtune.training.engine.slots.pass_buffers import PassBuffers
from slimtune.training.engine.slots.segments import SegmentTable
from slimtune.training.engine.slots.trained_parts import TrainedParts
from slimtune.training.engine.train_step import Moved, Stepper

# tables of segments whose buffers are kept: equal batches, and a few with a short last one
KEPT_BUFFERS = 4


class Member(NamedTuple):
    """A trial that gets a slot.

    Attributes:
        parts: What it has of its own.
        stepper: Its optimizer and the batch under way; None for what is never moved.
    """

    parts: TrainedParts
    stepper: Stepper | None = None


@dataclass(slots=True)
class _Slot:
    parts: TrainedParts
    stepper: Stepper | None
    owned: Sequence[Owned]
    has_gradient: bool = False
    moved_by_bank: bool = field(default=False)


class SlotBank:
    """One row for each trial: its parameters, their gradients and moments are views of it until it is released.

    A trial without a layer that another has gets zeros for it, which stay zeros: their gradient is zero.

    Attributes:
        whole: Names of linear layers that all trials train whole, and that a pass takes as stacked ones.
        looped: Names of modules trained whole that are none, or that not all trials have: each trial's rows go through
            its own.
    """

    def __init__(self, members: Sequence[Member], calls: StaticCalls | None = None) -> None:
        self._run = calls.run if calls is not None else run_directly
        self._slots = [_Slot(one.parts, one.stepper, owned_by(one.parts)) for one in members]
        self._layout = layout_of([slot.owned for slot in self._slots])
        self.whole, self.looped = _whole_layers([slot.parts for slot in self._slots], self._layout.regions)
        first = self._slots[0].owned[0].parameter
        shape = (len(members), self._layout.size)
        self._value_SP = torch.zeros(shape, dtype=first.dtype, device=first.device)
        self._grad_SP = torch.zeros_like(self._value_SP)
        self._scale_SP = torch.zeros_like(self._value_SP)
        most = max(len(slot.owned) for slot in self._slots)
        first_SP, second_SP, ratio_SP, decay_SP = (torch.zeros_like(self._value_SP) for _ in range(4))
        steps_SN = torch.zeros((len(members), most), dtype=torch.float32, device=first.device)
        self._moments = Moments(first_SP, second_SP, ratio_SP, decay_SP, steps_SN)
        self._buffers: dict[tuple[SegmentTable, torch.dtype], PassBuffers] = {}
        for number in range(len(members)):
            self._bind(number)

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights."""
        return self._value_SP.dtype

    @property
    def device(self) -> torch.device:
        """Where they are."""
        return self._value_SP.device

    def parts(self, number: int) -> TrainedParts:
        """What the trial of a slot has of its own."""
        return self._slots[number].parts

    @torch.no_grad()
    def _bind(self, number: int) -> None:
        slot = self._slots[number]
        stepper = slot.stepper
        optimizer = stepper.optimizer if stepper is not None else None
        slot.moved_by_bank = optimizer is not None and moves_jointly(optimizer)
        settings = _settings_of(optimizer)
        for index, one in enumerate(slot.owned):
            region = self._layout.regions[one.key]
            parameter = one.parameter

            def take(rows_SP: torch.Tensor, value: Any, *, one: Owned = one) -> torch.Tensor:
                view = self._layout.regions[one.key].own(rows_SP[number], one)
                return view.fill_(value) if isinstance(value, float) else view.copy_(value)

            region.of(self._scale_SP[number]).fill_(one.scale)
            slot.has_gradient |= parameter.grad is not None
            gradient = take(self._grad_SP, parameter.grad if parameter.grad is not None else 0.0)
            parameter.data = take(self._value_SP, parameter.data)
            parameter.grad = gradient
            if optimizer is None or not slot.moved_by_bank:
                continue
            decay, ratio = settings[id(parameter)]
            take(self._moments.ratio_SP, ratio)
            take(self._moments.decay_SP, decay * ratio)
            known = optimizer.state.get(parameter, {})
            step = self._moments.steps_SN[number, index]
            optimizer.state[parameter] = {
                "step": step.fill_(float(known.get("step", 0.0))),
                "exp_avg": take(self._moments.first_SP, known.get("exp_avg", 0.0)),
                "exp_avg_sq": take(self._moments.second_SP, known.get("exp_avg_sq", 0.0)),
            }
        if stepper is not None:
            stepper.mover = _Mover(self, number)

    @torch.no_grad()
    def release(self, number: int) -> None:
        """Give a trial tensors of its own again; its row is nobody's."""
        slot = self._slots[number]
        for one in slot.owned:
            parameter = one.parameter
            gradient = parameter.grad
            parameter.grad = None
            parameter.data = parameter.data.clone(memory_format=torch.contiguous_format)
            if slot.has_gradient and gradient is not None:
                parameter.grad = gradient.clone(memory_format=torch.contiguous_format)
            if slot.stepper is not None and slot.moved_by_bank:
                state = slot.stepper.optimizer.state[parameter]
                copies = {name: one.clone(memory_format=torch.contiguous_format) for name, one in state.items()}
                slot.stepper.optimizer.state[parameter] = copies
        if slot.stepper is not None:
            slot.stepper.mover = None
        slot.stepper = None

    def buffers(self, table: SegmentTable, dtype: torch.dtype) -> PassBuffers:
        """Room for a pass with these segments; that of the last few tables is kept."""
        key = (table._replace(sizes=()), dtype)
        found = self._buffers.pop(key, None)
        if found is None:
            found = PassBuffers(self._layout, self._value_SP, table, dtype, self.whole)
            for old in list(self._buffers)[: -KEPT_BUFFERS + 1]:
                del self._buffers[old]
        self._buffers[key] = found
        for number in table.slots_K:
            # a pass that fails may have left some
            self._slots[number].has_gradient = True
        return found

    def fill(self, buffers: PassBuffers) -> None:
        """Give a pass the weights as they are now."""
        buffers.fill(self._value_SP, self._scale_SP)

    def collect(self, buffers: PassBuffers) -> None:
        """Add a pass's gradients to the slots' own."""
        buffers.collect(self._grad_SP, self._scale_SP)

    def clear(self, number: int) -> None:
        """Forget a slot's gradient."""
        if self._slots[number].has_gradient:
            self._grad_SP[number].zero_()
            self._slots[number].has_gradient = False

    def move(self) -> None:
        """Step all trials whose batch is complete, by one call; each stepper is told what it was moved with."""
        due = {
            number: slot.stepper
            for number, slot in enumerate(self._slots)
            if slot.moved_by_bank and slot.stepper is not None and slot.stepper.complete and slot.stepper.moved is None
        }
        steps = SlotSteps([due[number].pending() if number in due else None for number in range(len(self._slots))])
        inputs = step_inputs(steps, self._value_SP)
        left = min((stepper.steps_left for stepper in due.values()), default=0)
        (told_S2,) = self._run("step", len(self._slots), self._joint_step, inputs, left=left)
        numbers = told_S2.tolist()
        for number, stepper in due.items():
            self._slots[number].has_gradient = False
            stepper.moved = Moved(*numbers[number])

    def _joint_step(self, inputs: Tensors) -> Outputs:
        return (joint_step(self._value_SP, self._grad_SP, self._moments, inputs),)


class _Mover:
    """As `slimtune.training.engine.train_step.Mover` says, for one slot."""

    def __init__(self, bank: SlotBank, number: int) -> None:
        self._bank, self._number = bank, number

    @property
    def steps(self) -> bool:
        return self._bank._slots[self._number].moved_by_bank

    def move(self) -> None:
        self._bank.move()

    def clear(self) -> None:
        self._bank.clear(self._number)


def _settings_of(optimizer: torch.optim.Optimizer | None) -> dict[int, tuple[float, float]]:
    """Decay and learning rate's ratio of each parameter, by its id."""
    groups = optimizer.param_groups if optimizer is not None else []
    return {id(one): (float(group["weight_decay"]), float(group[RATIO])) for group in groups for one in group["params"]}


def _whole_layers(trials: Sequence[TrainedParts], regions: Collection[str]) -> tuple[list[str], list[str]]:
    """Linear layers that all train whole; modules of which some part is none."""
    stacked: list[str] = []
    looped: list[str] = []
    for name in dict.fromkeys(name for parts in trials for name in parts.whole):
        found = [_linears(trained_module(parts.whole[name])) if name in parts.whole else None for parts in trials]
        layers = found[0]
        if layers is None or any(other != layers for other in found):
            looped.append(name)
            continue
        full = [f"{name}.{inner}".rstrip(".") for inner in layers]
        if all(f"{one}.weight" in regions for one in full):
            stacked += full
        else:
            looped.append(name)
    return stacked, looped


def _linears(module: nn.Module) -> list[str] | None:
    """Names of the plain linear layers that have all of its parameters; None if something else has some."""
    names = [name for name, part in module.named_modules() if type(part) is nn.Linear]
    covered = {id(one) for name in names for one in module.get_submodule(name).parameters()}
    every = list(module.parameters())
    all_trained = all(one.requires_grad for one in every)
    return names if every and all_trained and all(id(one) in covered for one in every) else None
