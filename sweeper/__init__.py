"""The search: what to try next, who tries it, and which result wins.

In a task function of any Hydra app: `from sweeper import TrialPruned, current_trial`.
"""

if __name__ == "sweeper":
    raise ImportError("this is slimtune's own folder; import slimtune.sweeper")

from typing import Any

__all__ = ["TrialPruned", "current_trial"]


def __getattr__(name: str) -> Any:
    # on demand: the command's help must not wait for Hydra
    if name in __all__:
        from slimtune.sweeper.search import task_runner

        return getattr(task_runner, name)
    raise AttributeError(f"module 'sweeper' has no attribute {name!r}")
