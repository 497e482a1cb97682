"""From the finalists to the winner: chosen, noted in the study, told on the terminal and in the tracker."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rich.console import Console

from slimtune.sweeper.campaigns.hydra_campaign import best_result, solutions_of, write_results
from slimtune.sweeper.campaigns.selection.chosen_by_goals import choose_winner, exported_run, exported_told, no_winner
from slimtune.sweeper.campaigns.selection.winner_marks import mark_trials
from slimtune.sweeper.finalist import Finalist, Run, winner_of
from slimtune.sweeper.goals.goals import Goals
from slimtune.sweeper.reporting import parent_run, terminal
from slimtune.sweeper.reporting.stages.stage_lines import print_line
from slimtune.sweeper.search.request import SweepRequest
from slimtune.sweeper.study import Study
from slimtune.sweeper.study.record import WINNER
from slimtune.training.config.tracking import CheckpointPolicy, TrackingConfig
from slimtune.training.errors import StoreError
from slimtune.training.fitted_table import print_table
from slimtune.training.listed_names import counted


class WinnerChoice(NamedTuple):
    """Of one sweep.

    Attributes:
        request: The sweep's.
        study: Of its trials, which keeps the winner.
        goals: What is better.
        console: Where it is told.
        tracking: Says whether checkpoints are uploaded.
    """

    request: SweepRequest
    study: Study
    goals: Goals
    console: Console
    tracking: TrackingConfig

    def choose(
        self, finalists: Sequence[Finalist], tracked: parent_run.ParentRun, *, doubt_of: Callable[[int], str | None]
    ) -> tuple[Finalist, Run]:
        """The winner, and the run of it that is exported.

        Args:
            finalists: The best trials with their reruns.
            tracked: The sweep's own run.
            doubt_of: Why the trial of a number may not be the better one.

        Raises:
            StoreError: No trial may win, or the checkpoint of the one that does is gone.
        """
        trials = self.study.shown()
        if (why := no_winner(trials, self.goals)) is not None:
            raise StoreError(why)
        chosen = choose_winner(finalists, trials, self.goals)
        best = self._exported(chosen)
        values, doubt = self.values(chosen), doubt_of(chosen.number)
        told = exported_told(chosen, best, self.goals)
        winner = winner_of(chosen, best, values, doubt=doubt)._replace(exported=told)
        self.study.set_attr(WINNER, winner.as_dict())
        terminal.print_winner(self.console, finalists, chosen, goals=self.goals, doubt=doubt)
        if told is not None:
            print_line(self.console, told)
        self._tell_pareto(chosen, tracked)
        write_results(self._results(chosen), self.request.folder)
        mark_trials(self.request, self.study, self.tracking, finalists, chosen.number)
        upload = self.tracking.checkpoints is not CheckpointPolicy.none
        parent_run.log_leaderboard(tracked.run, trials, self.goals, winner=chosen.number)
        parent_run.log_winner(tracked.run, chosen, best.checkpoint, values=values, upload=upload)
        return chosen, best

    def values(self, chosen: Finalist) -> dict[str, float]:
        """Means of what decided over the winner's seeds, where that has names."""
        return chosen.means(self.goals.names) if self.request.search.goals.is_named else {}

    def _exported(self, chosen: Finalist) -> Run:
        """The best of its runs whose checkpoints are there."""
        there = [run for run in chosen.runs if run.checkpoint.is_dir()]
        if there and len(there) < len(chosen.runs):
            print_line(
                self.console,
                f"trial {chosen.number} is the best one; of its {counted(len(chosen.runs), 'run')}, those whose "
                f"checkpoints are gone are left out: {len(chosen.runs) - len(there)}",
            )
        best = exported_run(chosen._replace(runs=there or chosen.runs), self.goals)
        if not best.checkpoint.is_dir():
            raise StoreError(
                f"trial {chosen.number} is the best one, but its checkpoint {best.checkpoint} is gone; bring it back, "
                "or take another search.name to begin anew"
            )
        return best

    def _tell_pareto(self, chosen: Finalist, tracked: parent_run.ParentRun) -> None:
        """The Pareto set, where there is one: on the terminal and in the tracker."""
        if not self.goals.several:
            return
        trials = self.study.pareto()
        print_table(self.console, terminal.pareto_table(trials, chosen.number, goals=self.goals))
        parent_run.log_pareto(tracked.run, trials, self.goals, winner=chosen.number)

    def _results(self, chosen: Finalist) -> dict[str, Any]:
        """For the file that Hydra's users look for: the winner, or the Pareto set with the one that was picked."""
        (won,) = [trial for trial in self.study.shown() if trial.number == chosen.number]
        if not self.goals.several:
            return best_result(won, chosen.mean, self.request)
        solutions = solutions_of(self.study.pareto(), self.request)
        return {"solutions": solutions, "picked": solutions_of([won], self.request)[0]}
