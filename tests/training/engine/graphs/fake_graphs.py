"""Graphs without a GPU: they record the operators of the work with their tensors, and replay these and nothing else.

What the work reads in Python while it is captured is stale from then on, as it is on a GPU, and what a GPU cannot
capture, because it waits for the device, is refused.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from unittest.mock import patch

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from slimtune.training.engine.graphs.static_calls import Captured, Capturer, CudaGraphs, Outputs

# by name: they read the device, or give shapes that follow from values
WAITING = {"_local_scalar_dense", "nonzero", "masked_select", "_unique2", "unique_dim", "unique_consecutive", "equal"}


class FakeGraphs:
    """As a GPU does, captures without carrying out, and leaves outputs where they were the last time.

    Attributes:
        num_captures: Graphs that were made.
        num_replays: Of all of them.
    """

    def __init__(self) -> None:
        self.num_captures = self.num_replays = 0

    def __call__(self, work: Callable[[], Outputs]) -> Captured:
        drawn = torch.random.get_rng_state()
        # models ask, and do not look at values then
        with patch("torch.cuda.is_current_stream_capturing", lambda: True), _Recording() as recording:
            outputs = work()
        torch.random.set_rng_state(drawn)
        recording.undo()
        self.num_captures += 1

        def replay() -> None:
            self.num_replays += 1
            recording.replay()

        return Captured(replay, outputs)


class WatchedGraphs:
    """The capturer of this machine: a GPU's where there is one, else the fake.

    Attributes:
        num_captures: Graphs that were made.
        num_replays: Of all of them.
        refusals: Why work was not captured.
    """

    def __init__(self) -> None:
        self._inner: Capturer = CudaGraphs() if torch.cuda.is_available() else FakeGraphs()
        self.num_captures = self.num_replays = 0
        self.refusals: list[str] = []

    def __call__(self, work: Callable[[], Outputs]) -> Captured:
        try:
            captured = self._inner(work)
        except RuntimeError as error:
            self.refusals.append(str(error))
            raise
        self.num_captures += 1

        def replay() -> None:
            self.num_replays += 1
            captured.replay()

        return Captured(replay, captured.outputs)


class _Call(NamedTuple):
    """An operator with what it was given, and the tensors that it made."""

    operator: Any
    given: Sequence[Any]
    named: Mapping[str, Any]
    made: Sequence[torch.Tensor | None]


class _Recording(TorchDispatchMode):
    """The operators below autograd, those of a backward pass too."""

    def __init__(self) -> None:
        super().__init__()
        self._calls: list[_Call] = []
        # by storage: what work writes to that was there before, as it was
        self._before: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        self._made: set[int] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        named = dict(kwargs or {})
        if func._schema.name.removeprefix("aten::") in WAITING or _reads_a_mask(func, args):
            raise RuntimeError(f"operation not permitted when stream is capturing: {func}")
        for tensor in _written(func, args, named):
            self._keep(tensor)
        result = func(*args, **named)
        known = {_storage(one) for one in _tensors((args, named))}
        made = [one if isinstance(one, torch.Tensor) and _storage(one) not in known else None for one in _all(result)]
        self._made |= {_storage(one) for one in made if one is not None}
        self._calls.append(_Call(func, args, named, made))
        return result

    def _keep(self, tensor: torch.Tensor) -> None:
        storage = _storage(tensor)
        if storage in self._made or storage in self._before:
            return
        whole = torch.empty(0, dtype=tensor.dtype).set_(tensor.untyped_storage())  # type: ignore[call-overload]
        self._before[storage] = (whole, whole.clone())

    @torch.no_grad()
    def undo(self) -> None:
        """Leave everything as it was before the work."""
        for tensor, before in self._before.values():
            tensor.copy_(before)
        self._before.clear()

    @torch.no_grad()
    def replay(self) -> None:
        """All calls again, into the tensors that they made while they were recorded."""
        for operator, given, named, made in self._calls:
            for old, new in zip(made, _all(operator(*given, **named)), strict=True):
                if old is not None:
                    old.copy_(new)


def _all(result: Any) -> list[Any]:
    return list(tree_leaves(result))


def _tensors(given: Any) -> Iterator[torch.Tensor]:
    return (one for one in tree_leaves(given) if isinstance(one, torch.Tensor))


def _storage(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage()._cdata


def _written(func: Any, args: Sequence[Any], named: Mapping[str, Any]) -> Iterator[torch.Tensor]:
    """What the operator says that it writes to."""
    for index, argument in enumerate(func._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            yield from _tensors(args[index] if index < len(args) else named.get(argument.name))


def _reads_a_mask(func: Any, args: Sequence[Any]) -> bool:
    """Whether the shape of what is taken by an index follows from a mask."""
    if func._schema.name not in ("aten::index", "aten::index_put", "aten::index_put_"):
        return False
    return any(index is not None and index.dtype in (torch.bool, torch.uint8) for index in args[1])
