"""How many kernels a step would launch on a GPU, counted without one."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

# what only looks at memory otherwise, or asks Python
VIEWS = frozenset(
    (
        *("view", "_unsafe_view", "t", "transpose", "expand", "slice", "split", "select", "unsqueeze", "squeeze"),
        *("detach", "permute", "as_strided", "alias", "unbind", "split_with_sizes", "reshape", "_reshape_alias"),
        *("unfold", "diagonal", "lift_fresh", "is_same_size", "promote_types"),
        *("_record_function_enter_new", "_record_function_exit"),
    )
)


class _Counting(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.names: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func._schema.name.split("::")[1]
        if name not in VIEWS:
            self.names[name] += 1
        return func(*args, **(kwargs or {}))


def dispatches(work: Callable[[], object]) -> int:
    """Calls of operators that are more than a view."""
    with _Counting() as counted:
        work()
    return sum(counted.names.values())
