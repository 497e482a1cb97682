"""A trial from its run's first line in the tracker to its outcome."""

import logging
import resource
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import torch
import yaml

from training import tracking
from training.config import CheckpointPolicy, TrialConfig
from training.errors import ConfigError, DataError, Diverged, ModelError
from training.pack import packable
from training.packed_model import Parts
from training.report import Reporter
from training.resources import Resources
from training.slot import Slot
from training.tracking import MlflowRun
from training.trial import Completed, Failed, FailureKind, Outcome, Pruned, Trial
from training.workbench import Workbench

log = logging.getLogger(__name__)


class Lane:
    """A live trial: its run, its reporter, and its slot once it has one.

    Attributes:
        config: The trial's.
        mates: Numbers of the trials that it shared a pass with.
        parts: What it has of its own in a shared pass; None if it must run alone.
    """

    def __init__(self, trial: Trial, config: TrialConfig) -> None:
        self.config = config
        self.mates: set[int] = set()
        self.parts: Parts | None = None
        self._trial = trial
        self._started = time.perf_counter()
        trial.lineage.folder.mkdir(parents=True, exist_ok=True)
        self._run = tracking.start_run(config.tracking, trial.lineage)
        trial.began(self._run.run_id)
        _safely(_log_start, self._run, trial)
        self.reporter = Reporter(self._run, trial.lineage.folder)
        self.reporter.__enter__()

    @property
    def number(self) -> int:
        """The trial's number."""
        return self._trial.number

    def take_slot(self, bench: Workbench, resources: Resources) -> None:
        """Make the trial's model and optimizer."""
        self.slot = Slot(self._trial, self.config, bench, resources)
        self.parts = packable(self.slot)
        facts = {
            "device": str(resources.device),
            "precision": resources.precision.value,
            "threads": str(resources.num_threads),
            "trained_parameters": str(self.slot.num_trained_parameters),
        }
        _safely(_log_facts, self._run, config=self.config, bench=bench, facts=facts)

    def close(self, outcome: Outcome) -> None:
        """Write the end down and tell whoever gave the trial."""
        if self.mates:
            # its rounding depends on them
            self.reporter.tags({"packed_with": ",".join(map(str, sorted(self.mates)))})
        self.reporter.__exit__(None, None, None)
        _safely(_log_end, self._run, outcome, config=self.config, seconds=time.perf_counter() - self._started)
        finish(self._trial, outcome)

    def interrupt(self) -> None:
        """Write down that the worker was stopped; the trial is not told, so that it is taken up again."""
        self.reporter.__exit__(None, None, None)
        self._run.end(state="interrupted", failed=True)


def finish(trial: Trial, outcome: Outcome) -> None:
    """Log a trial's outcome and tell whoever gave it."""
    log.info("trial %d: %s", trial.number, describe(outcome))
    trial.finish(outcome)


def failed(error: Exception) -> Failed:
    """The outcome of a trial that ended by an error; call it while the error is handled."""
    return Failed(_kind(error), f"{type(error).__name__}: {error}", traceback.format_exc())


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory, on the device or on the host, was too small; the CPU allocator has no exception of its own."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _kind(error: Exception) -> FailureKind:
    kinds: tuple[tuple[type | tuple[type, ...], FailureKind], ...] = (
        (Diverged, FailureKind.diverged),
        (DataError, FailureKind.bad_data),
        ((ConfigError, ModelError), FailureKind.bad_config),
    )
    for types, kind in kinds:
        if isinstance(error, types):
            return kind
    return FailureKind.out_of_memory if is_out_of_memory(error) else FailureKind.bug


def describe(outcome: Outcome) -> str:
    """One line for people."""
    match outcome:
        case Completed(scores, _):
            return f"completed, objective {scores['objective']:.4f}"
        case Pruned(at, why):
            return f"pruned after {at} examples ({why})"
        case Failed(kind, message, _):
            return f"failed ({kind.value}): {message}"


def _safely(write: Callable[..., None], *args: Any, **kwargs: Any) -> None:
    """Write to the tracker; one that is down must cost neither the trial nor the sweep."""
    try:
        write(*args, **kwargs)
    except Exception as error:  # noqa: BLE001  # MLflow raises whatever its store raises
        log.warning("tracking: %s failed: %s", write.__name__, error)


def _log_start(run: MlflowRun, trial: Trial) -> None:
    config = yaml.safe_dump(dict(trial.config), sort_keys=False, allow_unicode=True)
    (trial.lineage.folder / "config.yaml").write_text(config, encoding="utf-8")
    run.log_text(config, "config.yaml")
    run.log_params(_params(trial))


def _params(trial: Trial) -> dict[str, Any]:
    return {**tracking.flat(trial.config), **tracking.log10_params(trial.lineage.sampled)}


def _log_facts(run: MlflowRun, *, config: TrialConfig, bench: Workbench, facts: Mapping[str, str]) -> None:
    run.set_tags(facts)
    sizes = {f"num_{name}_rows": len(split) for name, split in bench.splits.items()}
    run.log_data(
        config.data.name,
        digest=bench.data_fingerprint,
        source=config.data.train_file,
        profile={**sizes, "num_rows_cut": bench.num_cut, "num_duplicates": bench.num_duplicates},
    )


def _log_end(run: MlflowRun, outcome: Outcome, *, config: TrialConfig, seconds: float) -> None:
    # Linux counts the peak in KiB
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    run.log_metrics({"fit/seconds": seconds, "fit/process_peak_mb": peak_mb})
    match outcome:
        case Completed(scores, checkpoint):
            run.log_metrics(
                {
                    f"best/{key.removeprefix('validation/')}": value
                    for key, value in scores.items()
                    if key.startswith("validation/")
                }
            )
            if config.tracking.checkpoints is CheckpointPolicy.all:
                run.log_folder(checkpoint, "checkpoint")
            run.end(state="complete")
        case Pruned(at, why):
            run.set_tags({"pruned_at": str(at), "pruned_why": why})
            run.end(state="pruned")
        case Failed(kind, message, trace):
            run.set_tags({"failure": kind.value, "failure_message": message[:4000]})
            run.log_text(trace, "failure.txt")
            run.end(state="failed", failed=True)
