"""A study as it is read: its trials, what is left of its budget, and who works at it."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import optuna

from slimtune.sweeper.study import earlier, record
from slimtune.sweeper.study.lease import living, num_died, num_living
from slimtune.sweeper.study.liveness.roster import Roster
from slimtune.sweeper.study.record import TrialRecord, in_order, pareto_set, record_of
from slimtune.sweeper.study.spec import StudySpec
from slimtune.sweeper.study.stop_rules import Budget


class StudyReading:
    """What a process sees of a study that it has opened; it changes nothing.

    Attributes:
        spec: What the study was opened with.
    """

    def __init__(self, spec: StudySpec, study: optuna.Study) -> None:
        self.spec, self._study = spec, study
        self._ended: dict[int, TrialRecord] = {}

    def trials(self) -> list[TrialRecord]:
        """All trials, by number."""
        return [self._record_of(trial) for trial in self._study.get_trials(deepcopy=False)]

    def _record_of(self, trial: optuna.trial.FrozenTrial) -> TrialRecord:
        """Nothing of a trial that has ended changes: it is read once."""
        known = self._ended.get(trial.number)
        if known is None:
            known = record_of(trial)
            if known.finished:
                self._ended[trial.number] = known
        return known

    def shown(self) -> list[TrialRecord]:
        """The trials of the budget, without those that another has taken the place of."""
        return [trial for trial in self.trials() if trial.counts]

    def num_begun(self) -> int:
        """Trials that were ever begun, those whose worker died included."""
        return sum(trial.state is not record.TrialState.waiting for trial in self.trials())

    def num_open(self) -> int:
        """Places of the budget that nobody has begun; a waiting retry is one."""
        return self._num_open(self.trials())

    def num_places(self) -> int:
        """Of the budget, taken or not."""
        return len(self.shown()) if self.spec.enqueued_only else self.spec.n_trials

    def num_in_all(self) -> int:
        """Places of the budget, or the trials that were begun where it was larger before: none is taken away."""
        return max(self.spec.n_trials, self.num_kept())

    def num_kept(self) -> int:
        """Trials of the budget, of an earlier and larger one too, that were begun."""
        return sum(trial.state is not record.TrialState.waiting for trial in self.shown())

    def _num_open(self, trials: Sequence[TrialRecord]) -> int:
        shown = [trial for trial in trials if trial.counts]
        return self._budget(shown).num_open(shown)

    def _budget(self, shown: Sequence[TrialRecord]) -> Budget:
        number = len(shown) if self.spec.enqueued_only else self.spec.n_trials
        return Budget(number, self.spec.stop_rules, self.spec.goals)

    def num_died(self, launcher: str) -> int:
        """Workers of a launching process that died."""
        return num_died(self.attrs(), launcher)

    def num_living(self, launcher: str) -> int:
        """Workers of a launching process that live."""
        return num_living(self.attrs(), launcher)

    def num_unfinished(self) -> int:
        """Places of the budget that have no outcome yet, and will have one."""
        shown = self.shown()
        return self._budget(shown).num_unfinished(shown)

    def stop_reason(self) -> str | None:
        """Why the search ends before its budget is gone; None if it does not."""
        shown = self.shown()
        return self._budget(shown).stop_reason(shown)

    @cached_property
    def roster(self) -> Roster:
        """The sweep's launching processes; those of its reruns are the same."""
        return Roster.open(self._study._storage, self.spec.name.partition("/")[0])

    def is_stopping(self) -> bool:
        """Whether somebody wants that no further trial begins."""
        return self.roster.stop_request() is not None

    def num_working(self) -> int:
        """Workers that live, wherever they are."""
        return len(living(self.attrs()))

    def attrs(self) -> Mapping[str, Any]:
        """What was noted on the study."""
        # Optuna's own property copies all of them, earlier trials too
        return self._study._storage.get_study_user_attrs(self._study._study_id)

    def ranked(self) -> list[TrialRecord]:
        """Complete trials that keep the constraints, the best first: of several objectives the Pareto set, in the
        order of `search.pick`; ties go by trial number.
        """
        return in_order(self.shown(), self.spec.goals)

    def pareto(self) -> list[TrialRecord]:
        """Complete trials that keep the constraints, and that no other is better than in all objectives."""
        return pareto_set(self.shown(), self.spec.goals)

    def is_new(self) -> bool:
        """Whether no trial was begun, and nothing was said of what to learn from."""
        return self.num_begun() == 0 and earlier.ATTR not in self.attrs()

    def num_waiting(self) -> int:
        """Trials that were enqueued and not begun."""
        return sum(trial.state is record.TrialState.waiting for trial in self.trials())
