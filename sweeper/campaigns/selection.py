"""From the best few to the winner: each is rerun with fresh seeds, and validation alone decides."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from slimtune.sweeper.finalist import Finalist, Run, lies_at
from slimtune.sweeper.pruner_config import NoPruning
from slimtune.sweeper.sampler_config import RandomSearch
from slimtune.sweeper.search.launching import make_launcher, search
from slimtune.sweeper.search.request import SweepRequest, first_choices
from slimtune.sweeper.search.study_spec import make_worker, study_spec
from slimtune.sweeper.search.trials.trial_source import NAME, OF_TRIAL, OVERRIDES
from slimtune.sweeper.search_config import Rungs, StopRules
from slimtune.sweeper.space.override_text import override_lines
from slimtune.sweeper.space.search_space import SearchSpace, point_id
from slimtune.sweeper.study import Study, StudySpec, TrialRecord, TrialState
from slimtune.sweeper.study.liveness.frozen import FrozenWorkers
from slimtune.sweeper.study.record import COSTS, RESULT
from slimtune.training.errors import StoreError

SEED, SEED_KEY = "seed", "fit.seed"


def rerun_study(request: SweepRequest, finalists: Sequence[TrialRecord]) -> Study:
    """The study of the reruns, each enqueued once, whatever was interrupted before."""
    seeds = fresh_seeds(request)
    known = _known(Study(rerun_spec(request, num_reruns=0)))
    # reruns of earlier finalists, from before the budget grew, stay and use up their places
    study = Study(rerun_spec(request, num_reruns=len(known | _wanted(finalists, seeds))))
    loader = request.app.context.config_loader
    for finalist in finalists:
        for seed in seeds:
            name = rerun_name(finalist, seed)
            if name not in known:
                fixed = request.fixed_for(finalist.params)
                lines = [*fixed, *override_lines(dict(finalist.params), loader), f"fit.seed={seed}"]
                # a model costs what it did, whatever its seed
                costs = {COSTS: finalist.attrs[COSTS]} if COSTS in finalist.attrs else {}
                study.enqueue({NAME: name, OVERRIDES: lines, OF_TRIAL: finalist.number, SEED: seed, **costs})
    return study


class BegunReruns:
    """Reruns that another launching process enqueues, for one that takes part in them.

    Args:
        request: The sweep's.
        finalists: The trials that are rerun.
    """

    def __init__(self, request: SweepRequest, finalists: Sequence[TrialRecord]) -> None:
        self._request, self._wanted = request, _wanted(finalists, fresh_seeds(request))
        self._study = Study(rerun_spec(request, num_reruns=0))

    def study(self) -> Study | None:
        """Theirs, once all of them are enqueued; None while they are not, and when all have ended."""
        known = _known(self._study)
        if not self._wanted or not self._wanted <= known:
            return None
        if self._study.spec.n_trials < len(known):
            self._study = Study(rerun_spec(self._request, num_reruns=len(known)))
        return self._study if self._study.num_unfinished() > 0 else None


def _wanted(finalists: Sequence[TrialRecord], seeds: Sequence[int]) -> set[str]:
    return {rerun_name(finalist, seed) for finalist in finalists for seed in seeds}


def _known(study: Study) -> set[str]:
    """Names of the reruns that are there, whatever became of them."""
    return {str(trial.attrs.get(NAME)) for trial in study.trials()}


def rerun_name(finalist: TrialRecord, seed: int) -> str:
    """The name of a rerun, which is also that of its run and its folder."""
    return f"t{finalist.number:02d} seed {seed}"


def rerun(
    request: SweepRequest, study: Study, *, launcher: str, parent_run_id: str | None, kept: object = None
) -> None:
    """Run the reruns through the same launcher as the search."""
    worker = make_worker(request, study.spec, launcher=launcher, parent_run_id=parent_run_id, kind="rerun", kept=kept)
    # each rerun brings all of its overrides
    worker.fixed = ()
    with FrozenWorkers(study, study.spec.limits):
        search(
            study,
            make_launcher(request.app, worker),
            num_workers=request.search.config.num_workers,
            first_choices=first_choices(request),
        )


def rerun_spec(request: SweepRequest, *, num_reruns: int) -> StudySpec:
    """A study that suggests nothing: its trials are enqueued."""
    spec = study_spec(request, Rungs(eval_every=1, longest=1))
    return replace(
        spec,
        name=f"{spec.name}/reruns",
        n_trials=num_reruns,
        sampler=RandomSearch(name="random"),
        pruner=NoPruning(name="none"),
        stop_hopeless=False,
        space=SearchSpace(),
        stop_rules=StopRules(),
    )


def fresh_seeds(request: SweepRequest) -> list[int]:
    """Seeds that no trial of the search may have trained with, also where seeds are searched."""
    used = [int(request.values["fit"]["seed"]), *request.seeds]
    first = max(used) + 1
    return list(range(first, first + request.search.config.rerun_seeds))


def best_of(ranked: Sequence[TrialRecord], number: int) -> list[TrialRecord]:
    """The best trials, each another point: of those that differ in their seed alone, the best one."""
    found: dict[object, TrialRecord] = {}
    for trial in ranked:
        found.setdefault(point_id({key: value for key, value in trial.params.items() if key != SEED_KEY}), trial)
    return list(found.values())[:number]


def is_kept(trial: TrialRecord, folder: Path) -> bool:
    """Whether the checkpoint of a complete trial is there, wherever the sweep's folder lies now."""
    return lies_at(Path(trial.attrs[RESULT]["checkpoint"]), folder).is_dir()


def gone_note(trials: Sequence[TrialRecord], wanted: Sequence[TrialRecord], folder: Path) -> str | None:
    """What is said of the best trials that cannot win since their checkpoints are gone; None if all are there.

    Args:
        trials: Those that would be the best ones.
        wanted: Those of them that are taken.
        folder: The sweep's.
    """
    gone = [trial.number for trial in trials if not is_kept(trial, folder)]
    if not gone:
        return None
    named = f"trial {gone[0]} is" if len(gone) == 1 else f"trials {', '.join(map(str, gone))} are"
    beside = [trial.number for trial in wanted if trial not in trials]
    instead = f"; taken instead: trial {', '.join(map(str, beside))}" if beside else ""
    return (
        f"{named} among the best, but without a checkpoint under {folder}/trials any more, so not chosen{instead}; "
        "bring the folder back and give the same command again to have it compared"
    )


def with_reruns(trials: Sequence[TrialRecord], reruns: Sequence[TrialRecord]) -> list[Finalist]:
    """The best trials as finalists, each with its reruns that completed."""
    return [
        _finalist(trial, [other for other in reruns if other.attrs.get(OF_TRIAL) == trial.number]) for trial in trials
    ]


def _finalist(trial: TrialRecord, reruns: Sequence[TrialRecord]) -> Finalist:
    complete = [trial, *(other for other in reruns if other.state is TrialState.complete)]
    return Finalist(trial.number, trial.params, [_run(one) for one in complete])


def _run(trial: TrialRecord) -> Run:
    assert trial.objective is not None, "a complete trial has one"
    return Run(trial.objective, Path(trial.attrs[RESULT]["checkpoint"]), trial.run_id, trial.measured)


def best_finalist(finalists: Sequence[Finalist], *, maximize: bool) -> Finalist:
    """The best mean over seeds among those with most completed runs; ties go by trial number.

    Raises:
        StoreError: There are none.
    """
    if not finalists:
        raise StoreError("no trial completed, so there is no winner; see the failed trials' messages")
    sign = 1 if maximize else -1
    # a finalist whose reruns diverged has fewer scores, and a mean that flatters it
    num_runs = max(len(finalist.runs) for finalist in finalists)
    whole = [finalist for finalist in finalists if len(finalist.runs) == num_runs]
    return max(whole, key=lambda finalist: (sign * finalist.mean, -finalist.number))
