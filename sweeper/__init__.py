"""The search: what to try next, who tries it, and which result wins.

In a task function of any Hydra app: `from slimtune.sweeper import TrialPruned, current_trial`.
"""

if __name__ != "slimtune.sweeper":
    raise ImportError(f"{__name__} is a folder of slimtune's; import slimtune.sweeper")

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slimtune.sweeper.search.trials.task_runner import TrialPruned, current_trial

__all__ = ["TrialPruned", "current_trial"]


def __getattr__(name: str) -> Any:
    # on demand: the command's help must not wait for Hydra
    if name in __all__:
        from slimtune.sweeper.search.trials import task_runner

        return getattr(task_runner, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
