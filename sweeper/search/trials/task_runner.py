"""Any Hydra app as a worker: its task function is called once a trial, and may report and be pruned."""

import logging
import math
import traceback
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.utils import JobReturn, run_job
from hydra.types import HydraContext, TaskFunction

from slimtune.sweeper.goals.goals import SECONDS
from slimtune.sweeper.hydra_parser import mend_hydra_parser
from slimtune.training.trial import Completed, Failed, FailureKind, Outcome, Pruned, Report, describe

if TYPE_CHECKING:
    from slimtune.sweeper.search.trials.trial_source import StudySource, StudyTrial

log = logging.getLogger(__name__)

# of all that is slimtune's, this alone is imported by an app of the user's own before Hydra reads its command line
mend_hydra_parser()

# a context and no argument: Hydra fixes the signature of a task function, so the trial cannot be handed to it
_current: ContextVar["StudyTrial | None"] = ContextVar("slimtune_trial", default=None)


class TrialPruned(Exception):  # the name that Optuna's users know
    """Raised by a task function to end its trial as pruned."""


class _Ended(TrialPruned):
    """As a task function sees it, the search has no more use for the trial now."""

    def __init__(self, ending: Failed) -> None:
        super().__init__(ending.message)
        self.ending = ending


class CurrentTrial:
    """What a task function may do with its trial."""

    def __init__(self, trial: "StudyTrial") -> None:
        self._trial = trial

    @property
    def number(self) -> int:
        """The trial's number."""
        return self._trial.number

    def report(self, value: float, step: int) -> None:
        """Report an intermediate value.

        Args:
            value: The objective now; NaN and infinity are taken as no good.
            step: After how many examples, epochs or whatever the task counts: a whole number, 0 or more.

        Raises:
            ValueError: `step` is none.
            TrialPruned: The search has no more use for the trial; let it pass.
        """
        verdict = self._trial.report(_whole(step), Report(objective=value, progress=0.0))
        if verdict.stop:
            raise TrialPruned(verdict.reason)
        if (ending := self._trial.pulse()) is not None:
            raise _Ended(ending)


def _whole(step: Any) -> int:
    """A step as Python's own whole number, from one of whatever library; 4.0 is one."""
    try:
        whole = int(step)
        if whole == step and whole >= 0 and not isinstance(step, bool):
            return whole
    except (TypeError, ValueError, OverflowError):
        pass
    raise ValueError(f"the step is {step!r:.60}; use a whole number, 0 or more")


def current_trial() -> CurrentTrial | None:
    """The running trial, or None outside of a sweep: a task function runs alone as well.

    >>> import slimtune
    >>> def task(x):
    ...     trial = slimtune.current_trial()
    ...     for step in (1, 2, 3):
    ...         value = (x - 1) ** 2 + 1 / step
    ...         if trial is not None:
    ...             trial.report(value, step)
    ...     return round(value, 2)
    >>> task(2.0)
    1.33
    """
    trial = _current.get()
    return CurrentTrial(trial) if trial is not None else None


def run_task_trials(source: "StudySource", task_function: TaskFunction, hydra_context: HydraContext) -> None:
    """Run the task function over the source's trials, each with its own config and output folder."""
    while (trial := source.next()) is not None:
        outcome = _run(trial, task_function, hydra_context)
        log.info("trial %d: %s", trial.number, describe(outcome))
        if isinstance(outcome, Failed) and outcome.traceback:
            log.info("%s", outcome.traceback.rstrip())
        trial.finish(outcome)


def _run(trial: "StudyTrial", task_function: TaskFunction, hydra_context: HydraContext) -> Outcome:
    token = _current.set(trial)
    try:
        job = run_job(
            hydra_context=hydra_context,
            task_function=_Caught(task_function),
            config=trial.composed,
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
            configure_logging=False,
        )
    finally:
        _current.reset(token)
    return _outcome(job, trial)


class _Caught:
    """Turns what a task function raises into a value: Hydra prints an error for whatever it catches itself."""

    def __init__(self, task_function: TaskFunction) -> None:
        self._task_function = task_function

    def __call__(self, config: object) -> object:
        try:
            return self._task_function(config)
        except _Ended as ended:
            return ended.ending
        except TrialPruned as pruned:
            return Pruned(0, str(pruned))
        except Exception as error:  # noqa: BLE001  # the trial boundary
            return Failed(FailureKind.bug, f"{type(error).__name__}: {error}", traceback.format_exc())


def _outcome(job: JobReturn, trial: "StudyTrial") -> Outcome:
    value = job.return_value
    if isinstance(value, Pruned | Failed):
        return value
    scores = _scores(value, trial.objectives, trial.bounded)
    if isinstance(scores, Failed):
        return scores
    folder = Path(job.hydra_cfg.hydra.runtime.output_dir) if job.hydra_cfg else trial.lineage.folder
    if any(math.isnan(score) for score in scores.values()):
        return Failed(FailureKind.diverged, "the task function returned NaN", "")
    return Completed(scores, folder)


def _scores(value: Any, names: Sequence[str], bounded: Sequence[str]) -> dict[str, float] | Failed:
    """What a task function returned, by name: one number, one for each objective, or numbers by their names."""
    if isinstance(value, Mapping):
        return _named_scores(value, [*names, *(name for name in bounded if name not in names)])
    try:
        scores = [float(value)] if len(names) == 1 else [float(one) for one in value]
    except (TypeError, ValueError):
        wanted = "a number" if len(names) == 1 else f"a list or tuple of {len(names)} numbers"
        return Failed(FailureKind.bug, f"the task function returned {value!r}; return {wanted}", "")
    if len(scores) != len(names):
        message = f"the task function returned {len(scores)} values, and the search has {len(names)} directions"
        return Failed(FailureKind.bug, message, "")
    return dict(zip(names, scores, strict=True))


def _named_scores(value: Mapping[Any, Any], names: Sequence[str]) -> dict[str, float] | Failed:
    # the time that a trial takes is known without it
    missing = [name for name in names if name not in value and name != SECONDS]
    if missing:
        message = f"the task function returned {', '.join(map(str, value))}, without {', '.join(missing)}"
        return Failed(FailureKind.bug, f"{message}; return a number for each", "")
    try:
        return {name: float(value[name]) for name in names if name in value}
    except (TypeError, ValueError):
        return Failed(FailureKind.bug, f"the task function returned {value!r}; return numbers by their names", "")
