"""The finalists of a sweep, and their reruns by the workers of this process."""

from collections.abc import Callable, Sequence

from rich.console import Console

from slimtune.sweeper.campaigns.selection.chosen_by_goals import to_rerun
from slimtune.sweeper.campaigns.selection.reruns import (
    BegunReruns,
    Reruns,
    gone_note,
    is_kept,
    is_sampled,
    rerun,
    with_reruns,
)
from slimtune.sweeper.finalist import Finalist
from slimtune.sweeper.goals.goals import Goals
from slimtune.sweeper.reporting import terminal
from slimtune.sweeper.reporting.live_table import LiveTable
from slimtune.sweeper.reporting.parent_run import ParentRun
from slimtune.sweeper.reporting.stages.stage_lines import print_line
from slimtune.sweeper.search.request import SweepRequest
from slimtune.sweeper.search.stopping import check_stop
from slimtune.sweeper.search.study_spec import OwnWorkers
from slimtune.sweeper.study import Study, TrialRecord
from slimtune.sweeper.study.record import WINNER


class FinalistReruns:
    """What is trained after the search of a sweep, by the process that leads it and by those beside it.

    Args:
        request: The sweep's.
        study: Of its trials.
        goals: What is better.
        console: Shows the reruns under way.
        workers: What workers of this process have, asked when they are launched.
    """

    def __init__(
        self,
        request: SweepRequest,
        study: Study,
        goals: Goals,
        console: Console,
        workers: Callable[[], OwnWorkers],
    ) -> None:
        self._request, self._study, self._goals, self._console = request, study, goals, console
        self._workers = workers
        self._begun: BegunReruns | None = None

    def gone_notes(self) -> list[str]:
        """Before the next trial, what of the trials that are there cannot win."""
        ranked = self._study.ranked()
        note = gone_note(self._best(ranked), self._best(self._kept()), self._request.folder)
        return [] if note is None else [note]

    def run(self, tracked: ParentRun) -> list[Finalist]:
        """The best trials, rerun with fresh seeds.

        Args:
            tracked: The sweep's own run, the parent of theirs.

        Raises:
            SweepStopped: Somebody has stopped the sweep.
        """
        trials = self._to_rerun()
        races = not self._goals.several and not self._goals.constraints
        reruns = Reruns(self._request, trials, races=races)
        if (study := reruns.next_round()) is not None:
            forget_winner(self._study)
            with self._table_of(study):
                while study is not None:
                    rerun(self._request, study, self._workers())
                    tracked.end_left_open(study, kind="rerun")
                    check_stop(self._study)
                    study = reruns.next_round()
        for number, why in reruns.cut_short().items():
            print_line(self._console, f"trial {number} gets no further seeds: {why}")
        terminal.print_failed(self._console, reruns.shown())
        sampled = is_sampled(self._request)
        finalists = with_reruns(trials, reruns.shown(), left_behind=reruns.left_behind, sampled=sampled)
        return [one.found_in(self._request.folder) for one in finalists]

    def run_beside(self) -> None:
        """Take part in them, once the process that leads has enqueued them."""
        self._begun = self._begun or BegunReruns(self._request, self._to_rerun())
        reruns = self._begun.study()
        if reruns is not None:
            print_line(self._console, "this process takes part in the reruns with workers of its own")
            with self._table_of(reruns):
                rerun(self._request, reruns, self._workers())

    def _table_of(self, reruns: Study) -> LiveTable:
        return LiveTable(reruns, f"the best {len(self._to_rerun())} again, with fresh seeds", self._console)

    def _to_rerun(self) -> list[TrialRecord]:
        return self._best(self._kept())

    def _best(self, ranked: Sequence[TrialRecord]) -> list[TrialRecord]:
        return to_rerun(self._study.shown(), ranked, self._goals, self._request.search.config.finalists)

    def _kept(self) -> list[TrialRecord]:
        """The best first, without those whose checkpoints are gone; all of them if no other is there."""
        ranked = self._study.ranked()
        return [trial for trial in ranked if is_kept(trial, self._request.folder)] or list(ranked)


def forget_winner(study: Study) -> None:
    """What a smaller budget chose is not what this sweep chooses."""
    study.set_attr(WINNER, None)
