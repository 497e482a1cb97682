"""The study as a source of trials: ask, compose, and hand back what came of it."""

import logging
import math
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from slimtune.sweeper.config_values import plain
from slimtune.sweeper.goals.goals import SECONDS, UNNAMED, Goals
from slimtune.sweeper.pruner_config import RankTest, pruners_in
from slimtune.sweeper.search.trials.trial_costs import costs_of
from slimtune.sweeper.space.dimension import Scalar
from slimtune.sweeper.study import AskedTrial, Lease, Study
from slimtune.sweeper.study.liveness.watch import WorkerWatch
from slimtune.sweeper.study.record import BEFORE, EARLIER, ENDED_BY, MESSAGE, OF_TRIAL, PARTS, RESULT, RUN_ID, SPENT
from slimtune.sweeper.study.wilcoxon_pruner import PARTS_PREFIX
from slimtune.training.errors import ConfigError, UserError
from slimtune.training.listed_names import on_one_line
from slimtune.training.trial import Completed, Failed, FailureKind, Lineage, Outcome, Pruned, Report, Verdict

if TYPE_CHECKING:
    from slimtune.training.workbench.model_costs import CostMeter

log = logging.getLogger(__name__)

Compose = Callable[[AskedTrial], DictConfig]

# attributes of an enqueued trial: further overrides, and a name for its run and folder
OVERRIDES, NAME = "overrides", "name"
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

    def __init__(  # noqa: PLR0913
        self,
        study: Study,
        asked: AskedTrial,
        *,
        composed: DictConfig,
        group: TrialGroup,
        costs: Mapping[str, float] | None = None,
        watch: WorkerWatch | None = None,
    ) -> None:
        self._study, self._watch = study, watch
        self._costs = dict(costs or {})
        self._parts: dict[float, Sequence[float]] = {}
        # what earlier attempts took goes before
        before = float(asked.attrs.get(BEFORE, 0.0))
        self._began = time.monotonic() - before
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
            costs=self._costs,
            log_scaled=study.spec.space.log_scaled_keys(),
            seconds_before=before,
        )

    @property
    def _goals(self) -> Goals:
        return self._study.spec.goals

    @property
    def objectives(self) -> list[str]:
        """Names of what the search goes by; those that the config does not name are `objective`, `objective_2`, ..."""
        return [one.name for one in self._goals.objectives]

    @property
    def bounded(self) -> list[str]:
        """Names of what constraints bound."""
        return [one.name for one in self._goals.constraints]

    def measured(self, scores: Mapping[str, float]) -> dict[str, float]:
        """Every number of the trial by its name: its scores, what it costs, and the seconds that it has taken."""
        plain_names = {name.removeprefix("validation/"): score for name, score in scores.items()}
        return {SECONDS: time.monotonic() - self._began, **self._costs, **plain_names}

    @cached_property
    def config(self) -> Mapping[str, Any]:
        """The composed config as plain values; a task function of an app's own reads `composed`."""
        return plain(self.composed)

    @property
    def num_parts(self) -> int:
        """Parts of the validation rows that trials are compared by; 0 where neither a pruner nor a race does."""
        pruners = pruners_in(self._study.spec.pruner)
        is_asked = self._study.spec.enqueued_only or any(isinstance(one, RankTest) for one in pruners)
        return NUM_PARTS if is_asked else 0

    def began(self, run_id: str | None) -> None:
        """Note the run on the trial, so that a retry resumes it."""
        self._study.set_trial_attr(self.number, RUN_ID, run_id)

    def pulse(self) -> Failed | None:
        """Tell that the trial has made a step; how it is to end now, if it is."""
        return self._watch.pulse(self.number) if self._watch is not None else None

    def report(self, examples_seen: int, report: Report) -> Verdict:
        """Hand the objective to the pruner, its parts first."""
        if report.parts:
            self._parts.setdefault(report.objective, report.parts)
            self._study.set_trial_attr(self.number, f"{PARTS_PREFIX}{examples_seen}", list(report.parts), later=True)
        late = self._too_late()
        if late is not None:
            return late
        name = self.objectives[0]
        objective = report.objective if name == UNNAMED else report.scores.get(f"validation/{name}", report.objective)
        return self._study.report(self.number, examples_seen, objective=objective, progress=report.progress)

    def _too_late(self) -> Verdict | None:
        """The time that a trial takes only grows: one that has broken its bound is not trained on."""
        if SECONDS not in self._goals.names:
            return None
        self._study.set_trial_attr(self.number, SPENT, self.measured({})[SECONDS], later=True)
        broken = self._goals.broken(self._spent_too_much())
        return Verdict(stop=True, reason=broken[0]) if broken else None

    def finish(self, outcome: Outcome) -> None:
        """Tell the study."""
        if self._watch is not None:
            self._watch.heartbeat.ended(self.number)
        match outcome:
            case Completed(scores, checkpoint, ended_by):
                if ended_by is not None:
                    self._study.set_trial_attr(self.number, ENDED_BY, ended_by)
                self._complete(scores, checkpoint)
            case Pruned(_, why):
                self._study.set_trial_attr(self.number, MESSAGE, why[:1000])
                excess = self._goals.excess({**self._costs, **self._spent_too_much()})
                self._study.prune(self.number, {name: beyond for name, beyond in excess.items() if beyond > 0})
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

    def _spent_too_much(self) -> dict[str, float]:
        """Its seconds, if they are above a bound; one from below may be kept later."""
        spent = self.measured({})[SECONDS]
        bounds = [one.most for one in self._goals.constraints if one.name == SECONDS]
        return {SECONDS: spent} if any(most is not None and spent > most for most in bounds) else {}

    def _complete(self, scores: Mapping[str, float], checkpoint: Path) -> None:
        measured = self.measured(scores)
        missing = [name for name in self._goals.names if name not in measured]
        if missing:
            known = ", ".join(sorted(name for name in measured if "/" not in name))
            self._study.set_trial_attr(self.number, MESSAGE, f"nothing gives {', '.join(missing)}; there are {known}")
            self._study.fail(self.number, FailureKind.bad_config)
            return
        named = {name: measured[name] for name in self._goals.names if name not in scores}
        if (parts := self._parts.get(scores.get("objective", math.nan))) is not None:
            self._study.set_trial_attr(self.number, PARTS, list(parts))
        self._study.set_trial_attr(self.number, RESULT, {**scores, **named, "checkpoint": str(checkpoint)})
        values = (measured[name] for name in self.objectives)
        self._study.complete(self.number, *values, excess=self._goals.excess(measured))


class StudySource:
    """Implements `slimtune.training.trial.TrialSource` over a study.

    Attributes:
        num_workers: Workers that share this machine's cores.
        watch: Looks after the trials, once it is there.
    """

    def __init__(  # noqa: PLR0913
        self,
        study: Study,
        lease: Lease,
        *,
        compose: Compose,
        group: TrialGroup,
        num_workers: int,
        meter: "CostMeter | None" = None,
    ) -> None:
        self._study, self._lease, self._compose, self._group, self._meter = study, lease, compose, group, meter
        self.num_workers = num_workers
        self.watch: WorkerWatch | None = None
        self._given: dict[int, StudyTrial] = {}

    def next(self) -> StudyTrial | None:
        """The next trial that composes and keeps the constraints as far as they are known; others are told."""
        while (asked := self._ask()) is not None:
            try:
                composed = self._compose(asked)
                costs = costs_of(self._study, self._meter, asked, composed)
            except (HydraException, OmegaConfBaseException, ConfigError):
                self._fail(asked, FailureKind.bad_config)
                continue
            except Exception as error:  # noqa: BLE001  # the trial boundary: a model that cannot be looked at
                self._fail(asked, FailureKind.bad_config if isinstance(error, UserError) else FailureKind.bug)
                continue
            if not self._is_refused(asked, costs):
                return self._trial(asked, composed, costs)
        return None

    def _ask(self) -> AskedTrial | None:
        stopping = self.watch is not None and self.watch.stopping
        return None if stopping else self._study.ask(self._lease.worker)

    def _trial(self, asked: AskedTrial, composed: DictConfig, costs: Mapping[str, float]) -> StudyTrial:
        self._study.begin(asked.number)
        trial = StudyTrial(self._study, asked, composed=composed, group=self._group, costs=costs, watch=self.watch)
        if self.watch is not None:
            known = self.watch.heartbeat.trials()
            self._given = {number: one for number, one in self._given.items() if number in known}
        # before the watch may give it up
        self._given[trial.number] = trial
        if self.watch is not None:
            self.watch.heartbeat.began(trial.number)
        return trial

    def give_up(self, endings: Mapping[int, Failed]) -> None:
        """End trials that do not end by themselves, and put back what else this worker may have."""
        for number, ending in endings.items():
            self._given[number].finish(ending)
        self._study.put_back_all(self._lease.worker)

    def _fail(self, asked: AskedTrial, kind: FailureKind) -> None:
        self._study.set_trial_attr(asked.number, MESSAGE, traceback.format_exc(limit=1)[-1000:])
        self._study.fail(asked.number, kind)

    def _is_refused(self, asked: AskedTrial, costs: Mapping[str, float]) -> bool:
        """Whether a trial ends before it is trained, since its model alone breaks a constraint."""
        goals = self._study.spec.goals
        broken = goals.broken(costs)
        if broken:
            log.info("trial %d: not trained, %s", asked.number, "; ".join(broken))
            self._study.set_trial_attr(asked.number, MESSAGE, "not trained: " + "; ".join(broken))
            self._study.prune(asked.number, goals.excess(costs))
        return bool(broken)


def short_params(params: Mapping[str, Scalar]) -> str:
    """Sampled values as a run's name: the UI cuts after about 17 characters."""
    return " ".join(_short(key.rpartition(".")[-1], value) for key, value in params.items())


def _short(leaf: str, value: Scalar) -> str:
    text = f"{value:.1e}".replace("e-0", "e-") if isinstance(value, float) else on_one_line(str(value))
    return f"{SHORT[leaf]}{text}" if leaf in SHORT else f"{leaf}={text}"
