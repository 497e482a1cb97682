"""The state of a trial under way on disk, so that a killed one resumes where it was: written aside, renamed, proven."""

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load, save

from slimtune.training.atomic_files import folder_aside, remove_folder
from slimtune.training.checkpoints.kinds import STATE_FACTS as FACTS
from slimtune.training.checkpoints.kinds import STATE_PREFIX as STATE_PREFIX
from slimtune.training.distributed.sharding import shared_out
from slimtune.training.methods.quantized import keep_paged

log = logging.getLogger(__name__)

TENSORS = "state.safetensors"
# prefixes of tensors
MODEL, OPTIMIZER, GENERATOR = "model.", "optimizer.", "generator."
# the one before stays until the next is whole
KEPT = 2


class State(NamedTuple):
    """All that a trial resumes from.

    Attributes:
        tensors: By name.
        facts: Everything else, as JSON can hold it.
    """

    tensors: Mapping[str, torch.Tensor]
    facts: Mapping[str, Any]

    def part(self, prefix: str) -> dict[str, torch.Tensor]:
        """The tensors whose name begins so, without it."""
        return {name.removeprefix(prefix): one for name, one in self.tensors.items() if name.startswith(prefix)}


def write_state(folder: Path, state: State, *, examples_seen: int) -> Path:
    """Write a state into the trial's folder and remove those before the last but one.

    Raises:
        OSError: It could not be written; the earlier ones are still there.
    """
    target = folder / f"{STATE_PREFIX}{examples_seen}"
    data = save({name: tensor.detach().cpu().contiguous() for name, tensor in state.tensors.items()})
    facts = {**state.facts, "sha256": hashlib.sha256(data).hexdigest()}
    with folder_aside(target) as aside:
        (aside / TENSORS).write_bytes(data)
        (aside / FACTS).write_text(json.dumps(facts), encoding="utf-8")
    for old in _newest_first(folder)[KEPT:]:
        remove_folder(old)
    return target


def read_state(folders: Iterable[Path], *, identity: Mapping[str, Any]) -> State | None:
    """The newest whole state of a trial, or None.

    Args:
        folders: Of the trial and its earlier attempts, the last one first.
        identity: Facts that must be the same: a state of another config is not resumed.
    """
    for folder in folders:
        for path in _newest_first(folder):
            state = _read(path)
            if state is None:
                continue
            other = [key for key, value in identity.items() if state.facts.get(key) != value]
            if other:
                log.warning("%s is of another %s; the trial begins anew", path, other[0])
                return None
            return state
    return None


def forget_states(folder: Path) -> None:
    """Remove a trial's states: it has ended."""
    for path in _newest_first(folder):
        remove_folder(path)


def _read(path: Path) -> State | None:
    try:
        facts = json.loads((path / FACTS).read_text(encoding="utf-8"))
        data = (path / TENSORS).read_bytes()
        if hashlib.sha256(data).hexdigest() != facts["sha256"]:
            raise ValueError("its hash is another")
        return State(load(data), facts)
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("%s is broken (%s); the state before it is taken", path, error)
        return None


def is_state(folder: Path) -> bool:
    """Whether a folder that is called as a state is one, be it broken."""
    return any((folder / name).exists() for name in (TENSORS, FACTS))


def _newest_first(folder: Path) -> list[Path]:
    named = [path for path in folder.glob(f"{STATE_PREFIX}*") if path.name.removeprefix(STATE_PREFIX).isdigit()]
    found = [path for path in named if is_state(path)]
    return sorted(found, key=lambda path: -int(path.name.removeprefix(STATE_PREFIX)))


def optimizer_state(optimizer: torch.optim.Optimizer) -> State:
    """Moments and steps of an optimizer, tensors apart from numbers."""
    tensors: dict[str, torch.Tensor] = {}
    numbers: dict[str, Any] = {}
    for index, values in optimizer.state_dict()["state"].items():
        for key, value in _flat(values).items():
            if isinstance(value, torch.Tensor):
                tensors[f"{index}.{key}"] = value
            else:
                numbers[f"{index}.{key}"] = value
    return State(tensors, numbers)


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """bitsandbytes keeps some of its moments one level deeper."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat


def restore_optimizer(optimizer: torch.optim.Optimizer, state: State) -> None:
    """Put moments and steps back; the groups stay those of the optimizer."""
    restored: dict[int, dict[str, Any]] = {}
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for name, value in {**state.facts, **state.tensors}.items():
        index, *outer, key = name.split(".")
        values = restored.setdefault(int(index), {})
        for level in outer:
            values = values.setdefault(level, {})
        values[key] = shared_out(value, parameters[int(index)]) if isinstance(value, torch.Tensor) else value
    optimizer.load_state_dict({"state": restored, "param_groups": optimizer.state_dict()["param_groups"]})
    keep_paged(optimizer)


def generator_states(device: torch.device) -> dict[str, torch.Tensor]:
    """Of torch's global generators, which dropout draws from."""
    states = {f"{GENERATOR}cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states[f"{GENERATOR}{device}"] = torch.cuda.get_rng_state(device)
    return states


def restore_generators(tensors: Mapping[str, torch.Tensor]) -> None:
    """Let the generators resume where they were."""
    for name, state in tensors.items():
        if name == f"{GENERATOR}cpu":
            torch.set_rng_state(state)
        elif name.startswith(GENERATOR):
            torch.cuda.set_rng_state(state, name.removeprefix(GENERATOR))
