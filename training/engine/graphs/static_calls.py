"""Work on tensors that stay where they are: run as it is, or captured and replayed where enough of it is to come."""

import logging
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import torch

from slimtune.training.engine.graphs.graph_record import GraphRecord

Tensors = Mapping[str, torch.Tensor]
Outputs = tuple[torch.Tensor, ...]
Work = Callable[[Tensors], Outputs]

# capturing took 0.2 to 1.8 s for MiniLM on an H200, where a step saves some 26 ms: a trial of 50 steps captures none
WORTH_CALLS = 100
# what is lazily made is made by then
WARM_CALLS = 3

log = logging.getLogger(__name__)


class Captured(NamedTuple):
    """Work that can be repeated.

    Attributes:
        replay: Repeats it, on what its inputs hold now.
        outputs: Where it leaves what it gives.
    """

    replay: Callable[[], None]
    outputs: Sequence[torch.Tensor]


class Capturer(Protocol):
    """Makes work repeatable. `CudaGraphs` does it on a GPU; a fake in tests calls it again."""

    def __call__(self, work: Callable[[], Outputs]) -> Captured:
        """The work, which is not carried out by this.

        Raises:
            RuntimeError: It cannot be captured: it waits for the device, or its memory does.
        """
        ...


class CudaGraphs:
    """Captures on a GPU; all graphs share one pool of memory, since none runs beside another."""

    def __init__(self) -> None:
        self._pool: Any = None

    def __call__(self, work: Callable[[], Outputs]) -> Captured:
        """As `Capturer` says."""
        graph = torch.cuda.CUDAGraph()
        torch.cuda.synchronize()
        self._pool = self._pool or torch.cuda.graph_pool_handle()
        # other threads write checkpoints and look at the device meanwhile
        with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
            outputs = work()
        return Captured(graph.replay, outputs)


def is_worth_capturing(calls: int, all_calls: int, left: int) -> bool:
    """Whether a key that had so many of all calls will have enough of those that are left.

    A function of counts and not of the time taken.
    """
    return calls > WARM_CALLS and left * calls / all_calls >= WORTH_CALLS


def run_directly(kind: str, key: Hashable, work: Work, inputs: Tensors, *, left: int) -> Outputs:  # noqa: ARG001
    """As `StaticCalls.run`, where shapes are whatever they are."""
    return work(inputs)


@dataclass(slots=True)
class _Entry:
    inputs: dict[str, torch.Tensor]
    calls: int = 0
    captured: Captured | None = None
    # holds what it works on
    work: Work | None = None


class StaticCalls:
    """Runs work by key, each on inputs of its own that stay where they are.

    Args:
        capturer: None runs all work as it is: the eager twin, whose numbers are those of the graphs.

    Attributes:
        record: Which keys became graphs, and why the rest is run as it is.
    """

    def __init__(self, capturer: Capturer | None) -> None:
        self._capturer = capturer
        self._entries: dict[Hashable, _Entry] = {}
        self._all_calls: dict[str, int] = {}
        self.record = GraphRecord()

    def run(self, kind: str, key: Hashable, work: Work, inputs: Tensors, *, left: int) -> Outputs:
        """What the work gives for these inputs.

        Args:
            kind: What the calls that are left are shared out over.
            key: Of work that differs in the values of its inputs alone, not in their shapes.
            work: Tensors to tensors; what else it does is done in tensors that stay where they are.
            inputs: Copied.
            left: Calls of this kind that are to come.
        """
        entry = self._entry((kind, key), inputs)
        entry.calls += 1
        self._all_calls[kind] = self._all_calls.get(kind, 0) + 1
        if entry.captured is None and is_worth_capturing(entry.calls, self._all_calls[kind], left):
            self._capture(entry, work, f"{kind} {key}")
        if entry.captured is None:
            return work(entry.inputs)
        entry.captured.replay()
        # the next replay writes there again
        return tuple(output.clone() for output in entry.captured.outputs)

    def _entry(self, key: Hashable, inputs: Tensors) -> _Entry:
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = _Entry({name: tensor.clone() for name, tensor in inputs.items()})
        else:
            for name, tensor in inputs.items():
                entry.inputs[name].copy_(tensor, non_blocking=True)
        return entry

    def _capture(self, entry: _Entry, work: Work, said: str) -> None:
        if self._capturer is None:
            return
        try:
            entry.captured = self._capturer(lambda: work(entry.inputs))
        except RuntimeError as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            self._capturer, self.record.fallback = None, reason
            log.warning("cuda graphs: %s could not be captured (%s); steps run one operation at a time", said, reason)
            return
        entry.work = work
        self.record.num_captured += 1
        log.debug("cuda graphs: %s captured after %d calls", said, entry.calls)
