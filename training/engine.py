"""The worker: takes trials from a source and runs each to its outcome."""

import logging
import resource
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import torch
import yaml

from training import tracking
from training.config import CheckpointPolicy, TrialConfig, parse_trial
from training.errors import ConfigError, DataError, Diverged, ModelError
from training.report import Reporter
from training.resources import Resources, resolve
from training.slot import Slot
from training.tracking import MlflowRun
from training.trial import Completed, Failed, FailureKind, Outcome, Pruned, Trial, TrialSource
from training.workbench import Workbench, workbench_for

log = logging.getLogger(__name__)


def run_trials(source: TrialSource) -> None:
    """Run trials until the source has no more."""
    while (trial := source.next()) is not None:
        run_trial(trial)


def run_trial(trial: Trial) -> Outcome:
    """Run one trial, track it, and tell its outcome to whoever gave it."""
    parsed = parse_trial(trial.config)
    if parsed.problems:
        error = ConfigError(parsed.problems)
        outcome: Outcome = Failed(FailureKind.bad_config, "; ".join(parsed.problems), str(error))
    else:
        outcome = _tracked(trial, parsed.section)
    log.info("trial %d: %s", trial.number, describe(outcome))
    trial.finish(outcome)
    return outcome


def _tracked(trial: Trial, config: TrialConfig) -> Outcome:
    lineage = trial.lineage
    lineage.folder.mkdir(parents=True, exist_ok=True)
    run = tracking.start_run(config.tracking, lineage)
    trial.began(run.run_id)
    started = time.perf_counter()
    try:
        _safely(_log_start, run, trial)
        with Reporter(run, lineage.folder) as reporter:
            outcome = _attempt(trial, config, run=run, reporter=reporter)
    except KeyboardInterrupt:
        run.end(state="interrupted", failed=True)
        raise
    _safely(_log_end, run, outcome, config=config, seconds=time.perf_counter() - started)
    return outcome


def _safely(write: Callable[..., None], *args: Any, **kwargs: Any) -> None:
    """Write to the tracker; one that is down must cost neither the trial nor the sweep."""
    try:
        write(*args, **kwargs)
    except Exception as error:  # noqa: BLE001  # MLflow raises whatever its store raises
        log.warning("tracking: %s failed: %s", write.__name__, error)


def _attempt(trial: Trial, config: TrialConfig, *, run: MlflowRun, reporter: Reporter) -> Outcome:
    """The trial boundary: any ending becomes an outcome."""
    try:
        resources = resolve(config.fit)
        torch.set_num_threads(resources.num_threads)
        bench = workbench_for(config, resources)
        slot = Slot(trial, config, bench, resources)
        _safely(_log_facts, run, config=config, bench=bench, facts=_facts(resources, slot))
        while (outcome := slot.tick(reporter)) is None:
            pass
        return outcome
    except Exception as error:  # noqa: BLE001  # whatever a trial dies of, the sweep goes on
        return Failed(_kind(error), f"{type(error).__name__}: {error}", traceback.format_exc())


def _kind(error: Exception) -> FailureKind:
    kinds: tuple[tuple[type | tuple[type, ...], FailureKind], ...] = (
        (Diverged, FailureKind.diverged),
        (DataError, FailureKind.bad_data),
        ((ConfigError, ModelError), FailureKind.bad_config),
        ((MemoryError, torch.OutOfMemoryError), FailureKind.out_of_memory),
    )
    for types, kind in kinds:
        if isinstance(error, types):
            return kind
    # the CPU allocator has no exception type of its own
    return FailureKind.out_of_memory if "can't allocate memory" in str(error) else FailureKind.bug


def describe(outcome: Outcome) -> str:
    """One line for people."""
    match outcome:
        case Completed(scores, _):
            return f"completed, objective {scores['objective']:.4f}"
        case Pruned(at, why):
            return f"pruned after {at} examples ({why})"
        case Failed(kind, message, _):
            return f"failed ({kind.value}): {message}"


def _facts(resources: Resources, slot: Slot) -> dict[str, str]:
    return {
        "device": str(resources.device),
        "precision": resources.precision.value,
        "threads": str(resources.num_threads),
        "trained_parameters": str(slot.num_trained_parameters),
    }


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
