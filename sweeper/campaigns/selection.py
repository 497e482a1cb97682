"""From the best few to the winner: each is rerun with fresh seeds, and validation alone decides."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, NamedTuple

from slimtune.sweeper.search.study_spec import make_worker, study_spec
from slimtune.sweeper.search.sweep import SweepRequest, make_launcher, search
from slimtune.sweeper.search.trial_source import NAME, OVERRIDES
from slimtune.sweeper.search_config import NoPruner, RandomSampler
from slimtune.sweeper.space.sweep_syntax import override_lines
from slimtune.sweeper.study import Study, StudySpec, TrialRecord, TrialState
from slimtune.sweeper.study.pruners import Rungs
from slimtune.sweeper.study.record import RESULT
from slimtune.training.errors import StoreError

OF_TRIAL, SEED = "of_trial", "seed"


class Candidate(NamedTuple):
    """A finalist with all its runs.

    Attributes:
        number: Its trial.
        params: Sampled values.
        scores: Validation objective of the trial and of each rerun.
        checkpoints: The checkpoint of each.
        run_ids: The run of each.
    """

    number: int
    params: Mapping[str, Any]
    scores: list[float]
    checkpoints: list[Path]
    run_ids: list[str | None]

    @property
    def mean(self) -> float:
        """Mean objective over its seeds."""
        return fmean(self.scores)

    @property
    def spread(self) -> float:
        """Standard deviation over its seeds; 0 for one seed."""
        return stdev(self.scores) if len(self.scores) > 1 else 0.0

    def best(self, *, maximize: bool) -> int:
        """Which of its runs scored best on validation; the first of equals."""
        sign = 1 if maximize else -1
        return max(range(len(self.scores)), key=lambda index: (sign * self.scores[index], -index))


def rerun_study(request: SweepRequest, finalists: Sequence[TrialRecord]) -> Study:
    """The study of the reruns, each enqueued once, whatever was interrupted before."""
    wanted = {rerun_name(finalist, seed) for finalist in finalists for seed in fresh_seeds(request)}
    known = {str(trial.attrs.get(NAME)) for trial in Study(rerun_spec(request, num_reruns=0)).trials()}
    # reruns of earlier finalists, from before the budget grew, stay and use up their places
    study = Study(rerun_spec(request, num_reruns=len(known | wanted)))
    loader = request.app.context.config_loader
    for finalist in finalists:
        for seed in fresh_seeds(request):
            name = rerun_name(finalist, seed)
            if name not in known:
                lines = [*override_lines(dict(finalist.params), loader), f"fit.seed={seed}"]
                study.enqueue({NAME: name, OVERRIDES: lines, OF_TRIAL: finalist.number, SEED: seed})
    return study


def rerun_name(finalist: TrialRecord, seed: int) -> str:
    """The name of a rerun, which is also that of its run and its folder."""
    return f"t{finalist.number:02d} seed {seed}"


def rerun(request: SweepRequest, study: Study, *, parent_run_id: str | None) -> None:
    """Run the reruns through the same launcher as the search."""
    worker = make_worker(request, study.spec, parent_run_id=parent_run_id, kind="rerun")
    search(
        study,
        make_launcher(request.app, worker),
        num_workers=request.search.config.num_workers,
        first_choices=request.fixed,
    )


def rerun_spec(request: SweepRequest, *, num_reruns: int) -> StudySpec:
    """A study that suggests nothing: its trials are enqueued."""
    spec = study_spec(request, Rungs(eval_every=1, longest=1))
    return StudySpec(
        name=f"{spec.name}/reruns",
        storage=spec.storage,
        maximize=spec.maximize,
        n_trials=num_reruns,
        seed=spec.seed,
        sampler=RandomSampler(name="random"),
        pruner=NoPruner(name="none"),
        rungs=spec.rungs,
        stop_hopeless=False,
        space={},
        max_retries=spec.max_retries,
    )


def fresh_seeds(request: SweepRequest) -> list[int]:
    """Seeds that no trial of the search has trained with."""
    first = int(request.values["fit"]["seed"]) + 1
    return list(range(first, first + request.search.config.rerun_seeds))


def candidates(finalists: Sequence[TrialRecord], reruns: Sequence[TrialRecord]) -> list[Candidate]:
    """The finalists with the runs that completed."""
    return [
        _candidate(finalist, [other for other in reruns if other.attrs.get(OF_TRIAL) == finalist.number])
        for finalist in finalists
    ]


def _candidate(finalist: TrialRecord, reruns: Sequence[TrialRecord]) -> Candidate:
    runs = [finalist, *(other for other in reruns if other.state is TrialState.complete)]
    return Candidate(
        number=finalist.number,
        params=finalist.params,
        scores=[run.objective for run in runs if run.objective is not None],
        checkpoints=[Path(run.attrs[RESULT]["checkpoint"]) for run in runs],
        run_ids=[run.run_id for run in runs],
    )


def winner(entered: Sequence[Candidate], *, maximize: bool) -> Candidate:
    """The best mean over seeds among those with most completed runs; ties go by trial number.

    Raises:
        StoreError: Nobody entered.
    """
    if not entered:
        raise StoreError("no trial completed, so there is no winner; see the failed trials' messages")
    sign = 1 if maximize else -1
    # a finalist whose reruns diverged has fewer scores, and a mean that flatters it
    num_scores = max(len(candidate.scores) for candidate in entered)
    whole = [candidate for candidate in entered if len(candidate.scores) == num_scores]
    return max(whole, key=lambda candidate: (sign * candidate.mean, -candidate.number))
