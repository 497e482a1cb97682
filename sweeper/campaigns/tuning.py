"""`slimtune sweep` as the sweeper's campaign; checks are instant, the rest is imported when they passed."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slimtune.export.config import parse_export
from slimtune.sweeper.campaigns.comparable import dimension_problems
from slimtune.sweeper.checks import note_own_code, problems_of
from slimtune.sweeper.config_values import unread_keys, value_at
from slimtune.sweeper.first_look import check_files, refuse
from slimtune.sweeper.reporting.places.sweep_words import words_of
from slimtune.sweeper.search.launchers.kept_processes import KeptProcesses
from slimtune.sweeper.search.request import SweepRequest
from slimtune.training.config.trial import parse_trial
from slimtune.training.errors import SweepStopped

if TYPE_CHECKING:
    from slimtune.sweeper.campaigns.sweep_result import SweepResult


class Tuning:
    """Search, rerun the best few, choose, read test once, export, verify, register."""

    def check(self, request: SweepRequest) -> Sequence[str]:
        """Everything that can be said of the config before data or model are looked at."""
        note_own_code(request.values)
        return [*unread_keys(request.app.config), *problems_of(request.values)]

    def check_dimension(self, key: str, variants: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        """A dimension changes something that trials read, and nothing of what they are measured by."""
        return dimension_problems(key, variants)

    def reading(self, key: str, values: Mapping[str, Any]) -> Any:
        """As the key's type has it: a number stays one if it stands as text."""
        found = parse_trial(values).found
        return value_at(key, values if found is None else found._asdict())

    def refuse(self, problems: Sequence[str], request: SweepRequest) -> None:
        """With what can be seen of files, rows and model beside them."""
        refuse(problems, request.tried)

    def run(self, request: SweepRequest) -> "SweepResult":
        """Run the campaign to its end; what an earlier run of the same command finished is not done again.

        Raises:
            UserError: Data, model or store cannot be used, or no variant passed the gate.
            SweepStopped: Somebody has stopped it.
        """
        check_files(request.tried)
        processes = KeptProcesses(request.app.config, request.search.config.num_workers)
        processes.begin()
        try:
            # torch, transformers and MLflow come with it
            from slimtune.sweeper.campaigns.tuning_run import TuningRun

            run = TuningRun(request, processes)
        except BaseException:
            # there is nothing for them to do
            processes.end()
            raise
        resume = f"slimtune resume {words_of(request)}"
        try:
            return run.run()
        except SweepStopped as stopped:
            raise SweepStopped(f"{stopped}. To resume: {resume}") from stopped
        except KeyboardInterrupt as stopped:
            kept = "what has ended is kept, and running trials go on from what they saved last"
            raise KeyboardInterrupt(f"interrupted; {kept}. To resume: {resume}") from stopped


class Checking(Tuning):
    """The preflight of a sweep, and nothing after it."""

    # nothing of it stays, so that it need not be alone
    writes = False

    def run(self, request: SweepRequest) -> None:  # type: ignore[override]
        """Say what is about to be trained on, and that nothing stands in its way.

        Raises:
            UserError: Something does.
        """
        check_files(request.tried)
        from rich.console import Console

        from slimtune.sweeper.campaigns.identity import check_begun
        from slimtune.sweeper.campaigns.own_model import equal_objective_notes
        from slimtune.sweeper.campaigns.preflight import preflight
        from slimtune.sweeper.campaigns.winner_registration import why_unregistered
        from slimtune.sweeper.reporting.data_table import print_data
        from slimtune.sweeper.reporting.stages.stage_lines import print_line, stages_shown
        from slimtune.sweeper.space.searched_told import goals_line, searched_lines
        from slimtune.training.tracking.display import told_warnings
        from slimtune.training.workbench.model_costs import CostMeter
        from slimtune.training.workbench.prepared_data import ReadRows

        console = Console()
        read = ReadRows()
        with stages_shown(console):
            prepared = preflight(request, read)
            check_begun(request, prepared)
            notes = equal_objective_notes(request, CostMeter(read))
        report = prepared.report
        print_data(console, report)
        goals = request.search.goals.called(request.values["task"]["metric"])
        for line in (
            *searched_lines(request.space, request.values),
            goals_line(goals),
            *(f"note: {one}" for one in notes),
        ):
            print_line(console, line)
        export, tracking = parse_export(request.tried["export"]).section, parse_trial(request.tried).section.tracking
        # a single trial, whose arguments are checked as well, registers nothing anyway
        unregistered = why_unregistered(export, tracking) if request.space.searched_keys() else None
        if unregistered is not None:
            print_line(console, f"note: {unregistered}")
        warnings = told_warnings(report.notes)
        print_line(console, f"checked: data, model, export and places fit{warnings}; nothing was trained")
