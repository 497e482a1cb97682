"""From the best few to the winner: each is rerun with fresh seeds, and validation alone decides."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from slimtune.sweeper.campaigns.selection.race import left_behind, racers_of
from slimtune.sweeper.finalist import Finalist, Run, lies_at
from slimtune.sweeper.pruner_config import NoPruning
from slimtune.sweeper.sampler_config import RandomSearch
from slimtune.sweeper.search.launching import search_with
from slimtune.sweeper.search.request import SweepRequest
from slimtune.sweeper.search.study_spec import OwnWorkers, make_worker, study_spec
from slimtune.sweeper.search.trials.trial_source import NAME, OVERRIDES
from slimtune.sweeper.search_config import Rungs, StopRules
from slimtune.sweeper.space.override_text import override_lines
from slimtune.sweeper.space.search_space import SearchSpace, point_id
from slimtune.sweeper.study import Study, StudySpec, TrialRecord, TrialState
from slimtune.sweeper.study.record import COSTS, OF_TRIAL, RESULT, SEED
from slimtune.training.errors import StoreError
from slimtune.training.listed_names import agreeing, by_numbers

SEED_KEY, SAMPLE_KEY = "fit.seed", "data.validation_rows"


def is_sampled(request: SweepRequest) -> bool:
    """Whether trials of the search are scored on some of the validation rows; reruns are on all."""
    return request.values["data"].get("validation_rows") is not None


class Reruns:
    """The reruns of a sweep, enqueued round by round, each once, whatever was interrupted before.

    Args:
        request: The sweep's.
        finalists: The trials that are rerun.
        races: Whether a finalist that cannot win any more gets no further seeds.
    """

    def __init__(self, request: SweepRequest, finalists: Sequence[TrialRecord], *, races: bool) -> None:
        self._request, self._finalists, self._races = request, finalists, races
        self._seeds = fresh_seeds(request)
        self._study = Study(rerun_spec(request))
        self.left_behind: Mapping[int, str] = {}

    def shown(self) -> list[TrialRecord]:
        """All reruns, of earlier finalists too."""
        return self._study.shown()

    def next_round(self) -> Study | None:
        """The study with the next ones enqueued, or with those that are not done; None when there are no more."""
        if self._study.num_unfinished() > 0:
            return self._study
        if self._races and len(self._finalists) > 1:
            racers = racers_of(self._finalists, self._study.shown(), sampled=is_sampled(self._request))
            maximize = self._study.spec.goals.objectives[0].maximize
            self.left_behind = left_behind(racers, maximize=maximize, num_seeds=len(self._seeds))
        racing = [one for one in self._finalists if one.number not in self.left_behind]
        if len(racing) == 1 < len(self._finalists):
            return None
        for finalist, seed in self._in_round(self._missing(racing)):
            self._enqueue(finalist, seed)
        return self._study if self._study.num_unfinished() > 0 else None

    def cut_short(self) -> Mapping[int, str]:
        """Finalists that got fewer seeds than there are, and why."""
        missing = {finalist.number for finalist, _ in self._missing(self._finalists)}
        return {number: why for number, why in self.left_behind.items() if number in missing}

    def _missing(self, finalists: Sequence[TrialRecord]) -> list[tuple[TrialRecord, int]]:
        """What was not enqueued yet, seed by seed."""
        known = {str(trial.attrs.get(NAME)) for trial in self._study.trials()}
        return [(one, seed) for seed in self._seeds for one in finalists if rerun_name(one, seed) not in known]

    def _in_round(self, missing: Sequence[tuple[TrialRecord, int]]) -> Sequence[tuple[TrialRecord, int]]:
        """The next seed of those in the race, and as many more as leave no worker idle meanwhile."""
        if not self._races or not missing:
            return missing
        next_seed, num_workers = missing[0][1], self._request.search.config.num_workers
        wanted = sum(seed == next_seed for _, seed in missing)
        return missing[: -(-wanted // num_workers) * num_workers]

    def _enqueue(self, finalist: TrialRecord, seed: int) -> None:
        loader = self._request.app.context.config_loader
        fixed = self._request.fixed_for(finalist.params)
        lines = [*fixed, *override_lines(dict(finalist.params), loader), f"fit.seed={seed}"]
        lines += [f"{SAMPLE_KEY}=null"] if is_sampled(self._request) else []
        # a model costs what it did, whatever its seed
        costs = {COSTS: finalist.attrs[COSTS]} if COSTS in finalist.attrs else {}
        name = rerun_name(finalist, seed)
        self._study.enqueue({NAME: name, OVERRIDES: lines, OF_TRIAL: finalist.number, SEED: seed, **costs})


class BegunReruns:
    """Reruns that another launching process enqueues, for one that takes part in them.

    Args:
        request: The sweep's.
        finalists: The trials that are rerun.
    """

    def __init__(self, request: SweepRequest, finalists: Sequence[TrialRecord]) -> None:
        self._wanted = {rerun_name(finalist, seed) for finalist in finalists for seed in fresh_seeds(request)}
        self._study = Study(rerun_spec(request))

    def study(self) -> Study | None:
        """Theirs, while some of them are not done; None if this process knows them not, with another budget."""
        open_ones = {str(trial.attrs.get(NAME)) for trial in self._study.shown() if not trial.finished}
        return self._study if open_ones and open_ones <= self._wanted else None


def rerun_name(finalist: TrialRecord, seed: int) -> str:
    """The name of a rerun, which is also that of its run and its folder."""
    return f"t{finalist.number:02d} seed {seed}"


def rerun(request: SweepRequest, study: Study, own: OwnWorkers) -> None:
    """Run the reruns through the same launcher as the search."""
    worker = make_worker(request, study.spec, own, kind="rerun")
    # each rerun brings all of its overrides
    worker.fixed = ()
    search_with(worker, request, study)


def rerun_spec(request: SweepRequest) -> StudySpec:
    """A study that suggests nothing: its trials are enqueued."""
    spec = study_spec(request, Rungs(eval_every=1, longest=1))
    return replace(
        spec,
        name=f"{spec.name}/reruns",
        n_trials=0,
        enqueued_only=True,
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
    named = f"{by_numbers('trial', gone)} {agreeing(len(gone), 'is', 'are')}"
    beside = [trial.number for trial in wanted if trial not in trials]
    instead = f"; taken instead: {by_numbers('trial', beside)}" if beside else ""
    return (
        f"{named} among the best, but without a checkpoint under {folder}/trials any more, so not chosen{instead}; "
        "bring the folder back and give the same command again to have it compared"
    )


def with_reruns(
    trials: Sequence[TrialRecord],
    reruns: Sequence[TrialRecord],
    *,
    left_behind: Mapping[int, str] = MappingProxyType({}),
    sampled: bool = False,
) -> list[Finalist]:
    """The best trials as finalists, each with its reruns that completed.

    Args:
        trials: The best ones.
        reruns: Of all of them.
        left_behind: Those that lost the race, and why.
        sampled: Whether trials were scored on some rows: the reruns, which are on all, do not compare with that, and
            count alone where there are any.
    """
    of_each = [[other for other in reruns if other.attrs.get(OF_TRIAL) == trial.number] for trial in trials]
    return [
        _finalist(trial, own, sampled=sampled)._replace(left_behind=left_behind.get(trial.number))
        for trial, own in zip(trials, of_each, strict=True)
    ]


def _finalist(trial: TrialRecord, reruns: Sequence[TrialRecord], *, sampled: bool) -> Finalist:
    again = [other for other in reruns if other.state is TrialState.complete]
    complete = again if sampled and again else [trial, *again]
    return Finalist(trial.number, trial.params, [_run(one) for one in complete])


def _run(trial: TrialRecord) -> Run:
    assert trial.objective is not None, "a complete trial has one"
    return Run(trial.objective, Path(trial.attrs[RESULT]["checkpoint"]), trial.run_id, trial.measured)


def best_finalist(finalists: Sequence[Finalist], *, maximize: bool) -> Finalist:
    """The best mean over seeds among those with most completed runs; ties go by trial number.

    Who was left behind cannot win, whatever it got to keep a worker busy.

    Raises:
        StoreError: There are none.
    """
    if not finalists:
        raise StoreError("no trial completed, so there is no winner; see the failed trials' messages")
    sign = 1 if maximize else -1
    # a finalist whose reruns diverged has fewer scores, and a mean that flatters it
    racing = [one for one in finalists if one.left_behind is None]
    num_runs = max(len(finalist.runs) for finalist in racing)
    whole = [finalist for finalist in racing if len(finalist.runs) == num_runs]
    return max(whole, key=lambda finalist: (sign * finalist.mean, -finalist.number))
