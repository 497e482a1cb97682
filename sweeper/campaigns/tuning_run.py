"""One run of `slimtune sweep`: search, select, prove, tell."""

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from slimtune.export.bundle.manifest import Provenance
from slimtune.export.config import OnnxExport, parse_export
from slimtune.export.manifest.data_facts import known_of_data
from slimtune.export.promotion.config import PromotionConfig, parse_promotion
from slimtune.export.registry.model_uri import version_uri
from slimtune.export.verification.limits import none_passed
from slimtune.sweeper.campaigns import winner_stages
from slimtune.sweeper.campaigns.identity import check_same, counts_told, difference, identity_of
from slimtune.sweeper.campaigns.own_cores import SweepCores, workers_line
from slimtune.sweeper.campaigns.own_model import equal_objective_notes, own_model_notes
from slimtune.sweeper.campaigns.preflight import preflight
from slimtune.sweeper.campaigns.recorded_command import record_command
from slimtune.sweeper.campaigns.selection.chosen_by_goals import gate_notes
from slimtune.sweeper.campaigns.selection.finalist_reruns import FinalistReruns, forget_winner
from slimtune.sweeper.campaigns.selection.winner_choice import WinnerChoice
from slimtune.sweeper.campaigns.sweep_result import ParetoPoint, SweepResult
from slimtune.sweeper.campaigns.winner_registration import WinnerRegistration, why_unregistered
from slimtune.sweeper.finalist import Finalist, Run
from slimtune.sweeper.goals.goals import MODEL_COSTS
from slimtune.sweeper.report_page import refresh
from slimtune.sweeper.report_page.cautions import baselines_not_beaten
from slimtune.sweeper.report_page.refresh import PagePlace
from slimtune.sweeper.reporting import parent_pages, parent_run, terminal
from slimtune.sweeper.reporting.data_table import print_data
from slimtune.sweeper.reporting.live_table import LiveTable
from slimtune.sweeper.reporting.next_commands import next_commands
from slimtune.sweeper.reporting.places.runs_place import check_same_place
from slimtune.sweeper.reporting.places.sweep_words import words_of
from slimtune.sweeper.reporting.refreshed import Refreshed
from slimtune.sweeper.reporting.stages.stage_lines import print_line, stages_shown
from slimtune.sweeper.reporting.sweep_settings import settings_to_note
from slimtune.sweeper.reporting.sweep_status import SweepState
from slimtune.sweeper.search.beginning import begin
from slimtune.sweeper.search.ending import note_ending
from slimtune.sweeper.search.launchers.kept_processes import KeptProcesses
from slimtune.sweeper.search.launchers.plugins import RAY, SLURM, launcher_class
from slimtune.sweeper.search.launching import search_with
from slimtune.sweeper.search.leadership import search_in_turn
from slimtune.sweeper.search.request import SweepRequest
from slimtune.sweeper.search.stopping import check_stop
from slimtune.sweeper.search.study_spec import OwnWorkers, chosen_sampler, make_worker, open_study, search_notes_of
from slimtune.sweeper.space.searched_told import goals_line, searched_lines
from slimtune.sweeper.study.liveness.launcher import Launcher
from slimtune.sweeper.study.record import ENDED, FOLDER, IDENTITY, PARENT_RUN, SETTINGS, stage_result
from slimtune.training.config.tracking import TrackerName, TrackingMode
from slimtune.training.config.trial import TrialConfig, parse_trial
from slimtune.training.data_report.build import write_report
from slimtune.training.data_report.report import DataReport
from slimtune.training.errors import ModelError, SweepStopped, UserError
from slimtune.training.tracking.data_inputs import tracked_splits
from slimtune.training.tracking.run import NullRun
from slimtune.training.tracking.sync import send_waiting, sync
from slimtune.training.workbench.model_costs import CostMeter
from slimtune.training.workbench.workbench import Workbenches


class TuningRun:
    """Holds a sweep's study and its run in the tracker from the first check to the last line.

    Several launching processes may have the same sweep. Each launches workers of its own; what is done once, from the
    first point to the registered model, is done by the one that leads.
    """

    def __init__(self, request: SweepRequest, processes: KeptProcesses) -> None:
        self._cores = SweepCores()
        self._processes = processes
        # reruns take them again
        self._has_workers = False
        self._request = request
        self._console = Console()
        self._config: TrialConfig = parse_trial(request.tried).section
        self._export: Any = parse_export(request.tried["export"]).section
        self._rules: PromotionConfig = parse_promotion(request.tried["promotion"]).section
        # the base and the rows, for all that runs in this process
        self._benches = Workbenches()
        self._goals = request.search.goals.called(self._config.task.metric)
        # what models cost is looked at where the search goes by that
        self._meter = CostMeter(self._benches.read) if set(self._goals.names) & set(MODEL_COSTS) else None
        with stages_shown(self._console):
            self._prepared = preflight(request, self._benches.read)
        # many rows lie in the cache by now, for workers as for this process
        self._benches.read.release()
        self._study = open_study(request, self._prepared.rungs)
        self._own = Launcher(self._study.roster)
        self._tracked = parent_run.ParentRun(NullRun(), None, None)
        self._pages = self._pages_of(self._tracked)
        self._reruns = FinalistReruns(request, self._study, self._goals, self._console, self._workers)
        self._choice = WinnerChoice(request, self._study, self._goals, self._console, self._config.tracking)
        self._identity = identity_of(request, self._prepared.data_fingerprint, self._prepared.base_fingerprint)

    def run(self) -> SweepResult:
        """The pipeline."""
        with self._own:
            try:
                self.check_joining()
                search_in_turn(self._study, self._own, self)
                self._tell_trials()
                chosen, best = self._select()
                result = self._prove(chosen, best)
            except BaseException as error:
                state = SweepState.stopped if isinstance(error, SweepStopped) else SweepState.interrupted
                if isinstance(error, UserError | SweepStopped):
                    self._write_page(state)
                self._pages.write()
                self._end_tracked(state=state.value, failed=True)
                raise
            self._write_page(SweepState.ended)
            self._pages.write()
            self._end_tracked(state="complete")
            self._study.set_attr(ENDED, self._study.num_in_all())
        return result

    def _pages_of(self, tracked: parent_run.ParentRun) -> parent_pages.ParentPages:
        words, metric = words_of(self._request), self._config.task.metric
        return parent_pages.ParentPages(tracked, self._study, words=words, metric=metric, goals=self._goals)

    def lead(self) -> None:
        """What is done once before the first trial, and again by whoever takes over."""
        self._study.set_attr(IDENTITY, self._identity)
        self._study.set_attr(SETTINGS, settings_to_note(self._request.values, self._identity))
        notes = begin(self._study, self._request, differs=lambda attrs: difference(attrs.get(IDENTITY), self._identity))
        self._tracked = parent_run.open_parent(self._request, self._study, self._config.tracking)
        self._pages = self._pages_of(self._tracked)
        self._pages.write()
        record_command(self._request)
        self._study.set_attr(FOLDER, str(self._request.folder))
        self._tell_data(self._prepared.report)
        self._tell_search(
            [
                *self._ended_notes(),
                *notes,
                *own_model_notes(self._request, self._meter),
                *([] if self._meter is None else equal_objective_notes(self._request, self._meter)),
                *self._gate_notes(),
                *self._reruns.gone_notes(),
            ]
        )
        if self._config.tracking.mode is TrackingMode.online:
            # of an earlier command
            sync(self._request.folder)
        self._own.begun()

    def _end_tracked(self, *, state: str, failed: bool = False) -> None:
        self._tracked.run.end(state=state, failed=failed)
        if self._config.tracking.name is not TrackerName.none:
            send_waiting(self._request.folder, self._config.tracking, self.say)

    def _ended_notes(self) -> Sequence[str]:
        """That no trial is left to run: what follows is of those that have."""
        if self._study.num_unfinished() > 0:
            return []
        name = self._request.search.config.name
        return [
            f"no trial is left to run: those of '{name}' ({len(self._study.shown()):,}) have ended; what follows, as "
            "reruns of the best and the export, is theirs; search.n_trials is for more of them, another search.name "
            "begins anew"
        ]

    def _gate_notes(self) -> Sequence[str]:
        unregistered = why_unregistered(self._export, self._config.tracking)
        return gate_notes(self._goals, self._config.task.metric) if unregistered is None else []

    def _tell_data(self, report: DataReport) -> None:
        print_data(self._console, report)
        write_report(report, self._request.folder)
        parent_run.log_data_report(self._tracked.run, report)
        sizes = {split.name: split.num_rows for split in report.splits}
        self._tracked.run.log_data(tracked_splits(self._config.data, sizes, digest=self._prepared.data_fingerprint))

    def _tell_search(self, notes: Sequence[str]) -> None:
        used = self._study.spec.sampler
        told = searched_lines(self._request.space, self._request.values)
        for note in (*told, goals_line(self._goals), *search_notes_of(self._request, used), *notes):
            self.say(note)
        chosen = chosen_sampler(self._request, used)
        if chosen.why is not None:
            self._tracked.run.set_tags({"sampler": chosen.sampler.name, "sampler_why": chosen.why})

    def say(self, line: str) -> None:
        """A line on the terminal."""
        print_line(self._console, line)

    def check_joining(self) -> None:
        """Whether data, fixed values and tracker are those of the trials that are there."""
        check_same_place(self._study.attrs(), self._request, self._config.tracking)
        known, name = self._study.attrs().get(IDENTITY), self._request.search.config.name
        check_same(known, self._identity, name=name, told_rows=partial(counts_told, self._request, self._prepared))

    def _tell_trials(self) -> None:
        self._tracked.end_left_open(self._study, kind="trial")
        reason = note_ending(self._study)
        if reason is not None:
            self.say(f"the search has ended: {reason}")
        trials = self._study.shown()
        terminal.print_trials(self._console, trials)
        parent_run.log_leaderboard(self._tracked.run, trials, self._goals)
        self._pages.write()
        self._write_page()

    def _write_page(self, state: SweepState | None = None) -> None:
        """By the process that leads; a sweep that is refused before its first trial has none."""
        if self._own.leads:
            self._page().write(state)

    def _page(self) -> PagePlace:
        request = self._request
        return PagePlace(request.storage, request.search.config.name, request.folder, self._tracked.run)

    def _refreshed(self) -> ExitStack:
        """The pages, written again while trials run, by the process that leads."""
        both = ExitStack()
        if self._own.leads:
            write, page = self._pages.write, self._page().write
            both.enter_context(Refreshed(self._study, write, parent_pages.RHYTHM, what="the sweep's description"))
            both.enter_context(Refreshed(self._study, page, refresh.RHYTHM, what="the sweep's page"))
        return both

    def run_trials(self) -> None:
        """The search, with this process' own workers."""
        request = self._request
        if self._own.leads and self._study.num_unfinished() > 0:
            forget_winner(self._study)
        table = LiveTable(self._study, f"sweep {request.search.config.name}", self._console)
        with table, self._refreshed():
            worker = make_worker(request, self._study.spec, self._workers(), meter=self._meter)
            search_with(worker, request, self._study)
        if self._study.is_stopping():
            self._tracked.end_left_open(self._study, kind="trial")
        check_stop(self._study)

    def _workers(self) -> OwnWorkers:
        """What those of this process have: the run of the sweep is that which the process that leads has opened."""
        parent = None if self._config.tracking.name is TrackerName.none else self._study.attrs().get(PARENT_RUN)
        taken = self._cores.take(self._study, self._config.fit, leads=self._own.leads)
        workers = workers_line(
            self._request.search.config.num_workers,
            self._config.fit,
            taken.number,
            elsewhere=launcher_class(self._request.app.config) in (RAY, SLURM),
        )
        has_work = self._study.num_unfinished() > 0
        for line in (taken.note, workers if has_work and not self._has_workers else None):
            if line is not None:
                self.say(line)
        self._has_workers = self._has_workers or has_work
        return OwnWorkers(self._own.name, parent, self._benches, taken.number)

    def run_beside(self) -> None:
        """The reruns, with this process' own workers, once the one that leads has enqueued them."""
        self._reruns.run_beside()

    def _select(self) -> tuple[Finalist, Run]:
        """The winner, and the run of it that is exported."""
        finalists = self._reruns.run(self._tracked)
        # nothing is trained any more
        self._processes.end()
        found = self._choice.choose(finalists, self._tracked, doubt_of=self._page().facts().doubt)
        for told in baselines_not_beaten(self._page().facts()):
            self.say(told)
        return found

    def _prove(self, chosen: Finalist, best: Run) -> SweepResult:
        """Test once, export and register."""
        checkpoint = best.checkpoint
        result = self._result(chosen, checkpoint)
        seed = self._request.search.config.seed
        before = stage_result(self._study.attrs(), "test")
        test = winner_stages.once(
            self._study,
            "test",
            winner_stages.name_in(self._request.folder, checkpoint),
            lambda: winner_stages.test_stage(
                checkpoint, trial=chosen.number, seed=seed, read=self._benches.read, before=before
            ),
        )
        terminal.print_test(self._console, test)
        if test:
            parent_run.log_test(self._tracked.run, test)
        if not isinstance(self._export, OnnxExport):
            self._tell_unregistered()
            terminal.print_next(self._console, self._next(None, None) | {"the best checkpoint": str(checkpoint)})
            return result
        exported = self._exported(chosen, best, test)
        registered = self._registered(exported, self._export)
        terminal.print_next(self._console, self._next(exported, registered))
        uri = version_uri(registered["name"], registered["version"]) if registered is not None else None
        return result._replace(bundle=Path(exported["bundle"]), registered=uri)

    def _result(self, chosen: Finalist, checkpoint: Path) -> SweepResult:
        pareto = self._study.pareto() if self._goals.several else ()
        names = [one.name for one in self._goals.objectives]
        points = [
            ParetoPoint(trial.number, trial.params, dict(zip(names, trial.values, strict=True))) for trial in pareto
        ]
        values = self._choice.values(chosen)
        return SweepResult(chosen.number, chosen.params, chosen.mean, checkpoint, None, None, values, points)

    def _exported(self, chosen: Finalist, best: Run, test: winner_stages.Stage) -> winner_stages.Stage:
        known = Provenance(
            parent_run=self._tracked.id_of(self._tracked.run.run_id),
            source_run=self._tracked.id_of(best.run_id),
            test=test or None,
            **known_of_data(self._prepared.report.as_dict()),
        )
        exported = winner_stages.once(
            self._study,
            "export",
            (winner_stages.name_in(self._request.folder, best.checkpoint), self._export),
            lambda: winner_stages.export_stage(
                self._request, self._export, chosen, checkpoint=best.checkpoint, known=known, read=self._benches.read
            ),
            is_there=lambda stage: winner_stages.has_bundle(stage, self._request.folder),
        )
        exported = winner_stages.found_in(exported, self._request.folder)
        terminal.print_variants(self._console, exported)
        if exported["chosen"] is None:
            # there is no run of an export to keep it
            winner_stages.log_verification(self._tracked.run, self._request.folder)
            raise ModelError(
                f"{none_passed(exported['reports'], self._export.limits)}; nothing was registered; "
                f"see {self._request.folder / 'export' / 'verification.json'}"
            )
        return exported

    def _registered(self, exported: winner_stages.Stage, export: OnnxExport) -> winner_stages.Stage | None:
        tracking = self._config.tracking
        if tracking.name is TrackerName.none:
            self._tell_unregistered()
            return None
        registration = WinnerRegistration(self._request, tracking, export, self._rules)
        return registration.registered(exported, self._study, self._tracked.run, self._console)

    def _tell_unregistered(self) -> None:
        why = why_unregistered(self._export, self._config.tracking)
        if why is not None:
            self.say(why)

    def _next(self, exported: winner_stages.Stage | None, registered: winner_stages.Stage | None) -> dict[str, str]:
        words, uri = words_of(self._request), self._config.tracking.uri
        return next_commands(words, self._tracked, uri, exported=exported, registered=registered)
