"""One run of `slimtune sweep`: search, select, prove, tell."""

from typing import Any

from rich.console import Console

from slimtune.export.config import OnnxExport, check_static_length, parse_export
from slimtune.sweeper.campaigns import winner_stages
from slimtune.sweeper.campaigns.identity import IDENTITY, check_same, identity_of
from slimtune.sweeper.campaigns.preparation import prepare
from slimtune.sweeper.campaigns.selection import Candidate, candidates, rerun, rerun_study, winner
from slimtune.sweeper.reporting import parent_run, terminal
from slimtune.sweeper.reporting.live_table import LiveTable
from slimtune.sweeper.search.study_spec import make_worker, study_spec
from slimtune.sweeper.search.sweep import SweepRequest, first_choices, make_launcher, search
from slimtune.sweeper.study import Study
from slimtune.training.config.tracking import CheckpointPolicy
from slimtune.training.config.trial import TrialConfig, parse_trial
from slimtune.training.data_report.build import write_report
from slimtune.training.data_report.report import DataReport
from slimtune.training.errors import ModelError


class TuningRun:
    """Holds a sweep's study and its run in the tracker from the first check to the last line."""

    def __init__(self, request: SweepRequest) -> None:
        self._request = request
        self._console = Console()
        self._config: TrialConfig = parse_trial(request.values).section
        self._export: Any = parse_export(request.values["export"]).section
        prepared = prepare(self._config)
        if isinstance(self._export, OnnxExport):
            check_static_length(self._export.target, prepared.positions)
        self._study = Study(study_spec(request, prepared.rungs))
        self._identify(prepared.data_fingerprint)
        self._study.start_from(request.start_point())
        self._tracked = parent_run.open_parent(request, self._study, self._config.tracking)
        self._tell_data(prepared.report)

    def run(self) -> None:
        """The pipeline."""
        try:
            self._search()
            chosen, best_run = self._select()
            self._prove(chosen, best_run)
        except BaseException:
            self._tracked.run.end(state="interrupted", failed=True)
            raise
        self._tracked.run.end(state="complete")

    def _tell_data(self, report: DataReport) -> None:
        terminal.print_data(self._console, report)
        write_report(report, self._request.folder)
        parent_run.log_data_report(self._tracked.run, report)

    def _identify(self, data_fingerprint: str) -> None:
        identity = identity_of(self._request, data_fingerprint)
        check_same(self._study.attrs().get(IDENTITY), identity, name=self._request.search.config.name)
        self._study.set_attr(IDENTITY, identity)

    def _search(self) -> None:
        request = self._request
        with LiveTable(self._study, f"sweep {request.search.config.name}", self._console):
            worker = make_worker(request, self._study.spec, parent_run_id=self._tracked.run.run_id)
            search(
                self._study,
                make_launcher(request.app, worker),
                num_workers=request.search.config.num_workers,
                first_choices=first_choices(request),
            )
        self._tracked.end_left_open(self._study, kind="trial")
        trials = self._study.shown()
        terminal.print_trials(self._console, trials)
        parent_run.log_leaderboard(self._tracked.run, trials)

    def _select(self) -> tuple[Candidate, int]:
        """The winner, and which of its runs is exported."""
        request = self._request
        finalists = self._study.ranked()[: request.search.config.finalists]
        reruns = rerun_study(request, finalists)
        if reruns.num_unfinished() > 0:
            with LiveTable(reruns, f"the best {len(finalists)} again, with fresh seeds", self._console):
                rerun(request, reruns, parent_run_id=self._tracked.run.run_id)
        self._tracked.end_left_open(reruns, kind="rerun")
        terminal.print_failed(self._console, reruns.shown())
        entered = candidates(finalists, reruns.shown())
        chosen = winner(entered, maximize=request.search.maximize)
        best_run = chosen.best(maximize=request.search.maximize)
        terminal.print_winner(self._console, entered, chosen, metric=self._config.task.metric)
        upload = self._config.tracking.checkpoints is not CheckpointPolicy.none
        parent_run.log_winner(self._tracked.run, chosen, chosen.checkpoints[best_run], upload=upload)
        return chosen, best_run

    def _prove(self, chosen: Candidate, best_run: int) -> None:
        """Test once, export and register."""
        checkpoint = chosen.checkpoints[best_run]
        seed = self._request.search.config.seed
        test = winner_stages.once(
            self._study, "test", checkpoint, lambda: winner_stages.test_stage(checkpoint, seed=seed)
        )
        terminal.print_test(self._console, test)
        if test:
            parent_run.log_test(self._tracked.run, test)
        if not isinstance(self._export, OnnxExport):
            terminal.print_next(self._console, self._next(None, None) | {"the best checkpoint": str(checkpoint)})
            return
        exported = self._exported(chosen, best_run, test)
        registered = self._registered(exported) if self._tracked.link is not None else None
        terminal.print_next(self._console, self._next(exported, registered))

    def _exported(self, chosen: Candidate, best_run: int, test: winner_stages.Stage) -> winner_stages.Stage:
        exported = winner_stages.once(
            self._study,
            "export",
            (chosen.checkpoints[best_run], self._export),
            lambda: winner_stages.export_stage(self._request, self._export, chosen, run=best_run, test=test),
        )
        terminal.print_variants(self._console, exported)
        if exported["chosen"] is None:
            winner_stages.log_refused(self._tracked.run, self._request.folder)
            raise ModelError(
                "no variant is within the limits of export (max_metric_drop, min_agreement, max_size_mb, "
                "max_latency_ms), so nothing was registered; "
                f"see {self._request.folder / 'export' / 'verification.json'}"
            )
        return exported

    def _registered(self, exported: winner_stages.Stage) -> winner_stages.Stage:
        tracking = self._config.tracking
        registered = winner_stages.once(
            self._study,
            "registered",
            (exported, self._export),
            lambda: winner_stages.register_stage(
                self._request, tracking, self._export, exported=exported, parent=self._tracked.run
            ),
        )
        terminal.print_registered(self._console, registered)
        return registered

    def _next(self, exported: winner_stages.Stage | None, registered: winner_stages.Stage | None) -> dict[str, str]:
        commands = {}
        uri = self._config.tracking.uri
        store = f" --tracking-uri {uri}" if uri else ""
        # a stage of an earlier version has none
        texts = (exported or {}).get("arguments", '--text "..."')
        if registered is not None:
            model = f"models:/{registered['name']}@{registered['alias']}"
            commands["try the model"] = f"slimtune predict --model {model} {texts}{store}"
        elif exported is not None:
            commands["try the model"] = f"slimtune predict --model {exported['bundle']} {texts}"
        search = self._request.search.config
        storage = f" --storage {search.storage}" if search.storage else ""
        commands["compare the trials"] = f"slimtune compare {search.name}{storage}"
        if self._tracked.link is not None:
            if not (uri or "").startswith("http"):
                commands["open the MLflow UI"] = f"slimtune ui{store}"
            commands["and in it the sweep"] = self._tracked.link
        if exported is not None:
            commands["the bundle"] = exported["bundle"]
        return commands
