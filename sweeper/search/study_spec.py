"""A sweep's request as the study of its trials, and as the job that a launcher runs."""

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from slimtune.sweeper.goals.goals import LATENCY, PRUNING_OFF, SECONDS
from slimtune.sweeper.pruner_config import NoPruning
from slimtune.sweeper.sampler_config import DrawnSampler
from slimtune.sweeper.search.choose_sampler import ChosenSampler, choose_sampler, sampler_notes
from slimtune.sweeper.search.kept_sampler import kept_sampler
from slimtune.sweeper.search.launchers.origin import origin_of
from slimtune.sweeper.search.request import SweepRequest
from slimtune.sweeper.search.trials.trial_source import TrialGroup
from slimtune.sweeper.search.worker import Worker
from slimtune.sweeper.search_config import Rungs
from slimtune.sweeper.study import Study, StudySpec
from slimtune.training.atomic_files import missing_folders, remove_empty
from slimtune.training.config.trust import code_named_by_user
from slimtune.training.errors import StoreError
from slimtune.training.listed_names import counted
from slimtune.training.writable_folder import check_writable

if TYPE_CHECKING:
    from slimtune.training.workbench.model_costs import CostMeter

LOCK = ".lock"


class OwnWorkers(NamedTuple):
    """What the workers of a launching process have in common, whatever they train.

    Attributes:
        launcher: The lease of that process.
        parent_run_id: Of the sweep's own run in the tracker.
        kept: What their entry may keep from one launch to the next.
        cores: What other processes leave of this machine.
    """

    launcher: str
    parent_run_id: str | None = None
    kept: object = None
    cores: int | None = None


def study_spec(request: SweepRequest, rungs: Rungs) -> StudySpec:
    """The study of a sweep's trials."""
    config, goals = request.search.config, request.search.goals
    pruner = request.search.pruner if goals.can_prune else NoPruning(name="none")
    return StudySpec(
        name=config.name,
        storage=request.storage,
        n_trials=request.num_trials(),
        seed=config.seed,
        sampler=chosen_sampler(request).sampler,
        pruner=pruner,
        rungs=rungs,
        # without a pruner every trial is wanted whole
        stop_hopeless=config.stop_hopeless and not isinstance(pruner, NoPruning),
        space=request.space,
        max_retries=config.max_retries,
        stop_rules=request.stop_rules,
        limits=request.search.trial_limits,
        goals=goals,
    )


def open_study(request: SweepRequest, rungs: Rungs) -> Study:
    """The same, opened; where several processes do it at once, one makes its file.

    The sweep's folder is made here, and not before: a sweep that is refused leaves none.
    """
    # it imports asyncio, which a config error need not wait for
    from filelock import FileLock

    check_writable(request.folder, "the folder of results")
    missing = missing_folders(request.folder)
    request.folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(request.folder / LOCK):
            study = Study(study_spec(request, rungs))
            kept = kept_sampler(study, request)
            return study if kept == study.spec.sampler else Study(replace(study.spec, sampler=kept))
    except StoreError:
        # a storage that does not answer, as an app's may not: it was not asked before
        if missing and [path.name for path in request.folder.iterdir()] == [LOCK]:
            (request.folder / LOCK).unlink()
            remove_empty(missing)
        raise


def chosen_sampler(request: SweepRequest, used: DrawnSampler | None = None) -> ChosenSampler:
    """The sampler that is asked for, or the one that fits, or that of the study, if it was begun with another one."""
    search = request.search
    chosen = choose_sampler(
        search.sampler, request.space, n_trials=search.config.n_trials, num_objectives=len(search.goals.objectives)
    )
    return chosen if used in (None, chosen.sampler) else ChosenSampler(used, "the sweep was begun with it")


def search_notes_of(request: SweepRequest, used: DrawnSampler | None = None) -> list[str]:
    """What a person should know of the search before its first trial.

    Args:
        request: What is asked for.
        used: The sampler of the study, where that is opened.
    """
    wanted, notes = request.search.config.n_trials, []
    if (found := request.num_trials()) < wanted:
        notes = [
            f"the space has {counted(found, 'point')}, and each is run once: the search ends there "
            f"(search.n_trials is {wanted})"
        ]
    sampler = sampler_notes(chosen_sampler(request, used), request.space, n_trials=wanted)
    return [*notes, *sampler, *_pruning_notes(request), *_timing_notes(request)]


def _pruning_notes(request: SweepRequest) -> list[str]:
    if request.search.goals.can_prune or isinstance(request.search.pruner, NoPruning):
        return []
    return [f"every trial runs to its end (search.pruner is not used): {PRUNING_OFF}"]


def _timing_notes(request: SweepRequest) -> list[str]:
    """Times are compared, and something else runs beside what is timed."""
    names, workers = request.search.goals.names, request.search.config.num_workers
    slots = request.values.get("fit", {}).get("slots") if request.worker_entry is not None else 1
    notes = []
    if LATENCY in names and workers > 1 and request.worker_entry is not None:
        notes.append(
            "latency_ms is timed while other workers train, which may make it larger, though the lowest of several "
            "medians is taken; search.num_workers=1 times in quiet"
        )
    if SECONDS in names and (workers > 1 or slots != 1):
        notes.append(
            "seconds depend on what runs beside a trial: they compare with search.num_workers=1 and fit.slots=1 only"
        )
    return notes


def make_worker(
    request: SweepRequest, spec: StudySpec, own: OwnWorkers, *, kind: str = "trial", meter: "CostMeter | None" = None
) -> Worker:
    """The job that a launcher runs.

    Args:
        request: The sweep's.
        spec: The study to join.
        own: What all workers of this launching process have.
        kind: Of its trials.
        meter: Looks at the models of trials.
    """
    return Worker(
        hydra_context=request.app.context,
        config=request.app.config,
        task_function=request.app.task_function,
        entry=request.worker_entry,
        fixed=request.fixed,
        spec=spec,
        group=TrialGroup(
            experiment=request.search.config.name,
            kind=kind,
            folder=request.folder / f"{kind}s",
            parent_run_id=own.parent_run_id,
        ),
        kept=own.kept,
        num_workers=request.search.config.num_workers,
        launcher=own.launcher,
        origin=origin_of(request.search.config.num_workers, cores=own.cores),
        own_code=code_named_by_user(),
        extension=request.extension,
        meter=meter,
    )
