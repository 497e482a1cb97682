"""The search: what to try next, who tries it, and which result wins."""

from sweeper.task_runner import TrialPruned, current_trial

__all__ = ["TrialPruned", "current_trial"]
