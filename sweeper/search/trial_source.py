"""The study as a source of trials: ask, compose, and hand back what came of it."""

import logging
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from slimtune.sweeper.config_values import plain
from slimtune.sweeper.pruner_config import RankTest, pruners_in
from slimtune.sweeper.space.dimension import Scalar
from slimtune.sweeper.study import AskedTrial, Lease, Study
from slimtune.sweeper.study.liveness.watch import WorkerWatch
from slimtune.sweeper.study.rank_test import PARTS_PREFIX
from slimtune.sweeper.study.record import EARLIER, MESSAGE, RESULT, RUN_ID
from slimtune.training.errors import ConfigError
from slimtune.training.trial import Completed, Failed, FailureKind, Lineage, Outcome, Pruned, Report, Verdict

log = logging.getLogger(__name__)

Compose = Callable[[AskedTrial], DictConfig]

# attributes of an enqueued trial: further overrides, a name for its run and folder, and which trial it reruns
OVERRIDES, NAME, OF_TRIAL = "overrides", "name", "of_trial"
# enough for a rank test, and few enough to be kept for each evaluation
NUM_PARTS = 20
SHORT = {"learning_rate": "", "batch_size": "b", "r": "r"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialGroup:
    """Where the trials of a study belong.

    Attributes:
        experiment: The sweep's name.
        kind: `trial` or `rerun`.
        folder: Holds one folder a trial.
        parent_run_id: The sweep's run.
    """

    experiment: str
    kind: str
    folder: Path
    parent_run_id: str | None


class StudyTrial:
    """One trial of a study; implements `slimtune.training.trial.Trial`."""

    def __init__(
        self,
        study: Study,
        asked: AskedTrial,
        *,
        composed: DictConfig,
        group: TrialGroup,
        watch: WorkerWatch | None = None,
    ) -> None:
        self._study, self._watch = study, watch
        self.number = asked.number
        self.composed = composed
        name = str(asked.attrs.get(NAME, f"t{asked.number:02d} {short_params(asked.params)}")).strip()
        self.lineage = Lineage(
            experiment=group.experiment,
            kind=group.kind,
            name=name,
            parent_run_id=group.parent_run_id,
            run_id=asked.attrs.get(RUN_ID),
            sampled=asked.params,
            folder=group.folder / str(asked.attrs.get(NAME, asked.number)),
            tags={"sweep": group.experiment, "trial": str(asked.attrs.get(OF_TRIAL, asked.number))},
            earlier=[group.folder / str(number) for number in asked.attrs.get(EARLIER, [])],
        )

    @property
    def objectives(self) -> list[str]:
        """Names of what the search goes by, the first one `objective`."""
        return ["objective", *(f"objective_{number + 2}" for number, _ in enumerate(self._study.spec.further))]

    @cached_property
    def config(self) -> Mapping[str, Any]:
        """The composed config as plain values; a task function of an app's own reads `composed`."""
        return plain(self.composed)

    @property
    def num_parts(self) -> int:
        """Parts of the validation rows that trials are compared by; 0 where no pruner does."""
        return NUM_PARTS if any(isinstance(one, RankTest) for one in pruners_in(self._study.spec.pruner)) else 0

    def began(self, run_id: str | None) -> None:
        """Note the run on the trial, so that a retry resumes it."""
        self._study.set_trial_attr(self.number, RUN_ID, run_id)

    def pulse(self) -> Failed | None:
        """Tell that the trial has made a step; how it is to end now, if it is."""
        return self._watch.pulse(self.number) if self._watch is not None else None

    def report(self, examples_seen: int, report: Report) -> Verdict:
        """Hand the objective to the pruner, its parts first."""
        if report.parts:
            self._study.set_trial_attr(self.number, f"{PARTS_PREFIX}{examples_seen}", list(report.parts), later=True)
        return self._study.report(self.number, examples_seen, objective=report.objective, progress=report.progress)

    def finish(self, outcome: Outcome) -> None:
        """Tell the study."""
        if self._watch is not None:
            self._watch.heartbeat.ended(self.number)
        match outcome:
            case Completed(scores, checkpoint):
                self._study.set_trial_attr(self.number, RESULT, {**scores, "checkpoint": str(checkpoint)})
                self._study.complete(self.number, *(scores[name] for name in self.objectives))
            case Pruned():
                self._study.prune(self.number)
            case Failed(FailureKind.lost, message, _):
                log.warning("trial %d: %s", self.number, message)
                self._study.lose(self.number)
            case Failed(FailureKind.stopped, _, _):
                self._study.put_back(self.number)
            case Failed(FailureKind.hung, message, _):
                self._study.set_trial_attr(self.number, MESSAGE, message)
                self._study.lose(self.number, FailureKind.hung)
            case Failed(kind, message, _):
                self._study.set_trial_attr(self.number, MESSAGE, message[:1000])
                self._study.fail(self.number, kind)


class StudySource:
    """Implements `slimtune.training.trial.TrialSource` over a study.

    Attributes:
        num_workers: Workers that share this machine's cores.
        watch: Looks after the trials, once it is there.
    """

    def __init__(self, study: Study, lease: Lease, *, compose: Compose, group: TrialGroup, num_workers: int) -> None:
        self._study, self._lease, self._compose, self._group = study, lease, compose, group
        self.num_workers = num_workers
        self.watch: WorkerWatch | None = None
        self._given: dict[int, StudyTrial] = {}

    def next(self) -> StudyTrial | None:
        """The next trial that composes; one that does not is told as failed."""
        while (asked := self._ask()) is not None:
            try:
                return self._trial(asked, self._compose(asked))
            except (HydraException, OmegaConfBaseException, ConfigError):
                self._study.set_trial_attr(asked.number, MESSAGE, traceback.format_exc(limit=1)[-1000:])
                self._study.fail(asked.number, FailureKind.bad_config)
        return None

    def _ask(self) -> AskedTrial | None:
        stopping = self.watch is not None and self.watch.stopping
        return None if stopping else self._study.ask(self._lease.worker)

    def _trial(self, asked: AskedTrial, composed: DictConfig) -> StudyTrial:
        trial = StudyTrial(self._study, asked, composed=composed, group=self._group, watch=self.watch)
        if self.watch is not None:
            self.watch.heartbeat.began(trial.number)
            known = self.watch.heartbeat.trials()
            self._given = {number: one for number, one in self._given.items() if number in known}
        self._given[trial.number] = trial
        return trial

    def give_up(self, endings: Mapping[int, Failed]) -> None:
        """End trials that do not end by themselves, and put back what else this worker may have."""
        for number, ending in endings.items():
            self._given[number].finish(ending)
        self._study.put_back_all(self._lease.worker)


def short_params(params: Mapping[str, Scalar]) -> str:
    """Sampled values as a run's name: the UI cuts after about 17 characters."""
    return " ".join(_short(key.rpartition(".")[-1], value) for key, value in params.items())


def _short(leaf: str, value: Scalar) -> str:
    text = f"{value:.1e}".replace("e-0", "e-") if isinstance(value, float) else str(value)
    return f"{SHORT[leaf]}{text}" if leaf in SHORT else f"{leaf}={text}"
