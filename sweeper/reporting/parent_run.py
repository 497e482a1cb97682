"""The sweep's own run in the tracker: parent of its trials, and where its result is told."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from rich.console import Console

from slimtune.sweeper.finalist import Finalist
from slimtune.sweeper.goals.goals import COSTS, SECONDS, UNNAMED, Goals
from slimtune.sweeper.reporting.places.noted import noted_place
from slimtune.sweeper.reporting.places.runs_place import move_told, note_place
from slimtune.sweeper.reporting.saved_view import VIEW_KEY, VIEW_TAG, ViewContent, view_tag
from slimtune.sweeper.search.request import SweepRequest
from slimtune.sweeper.study import Study, TrialRecord, TrialState
from slimtune.sweeper.study.record import PARENT_RUN, RESULT, param_keys
from slimtune.training.atomic_files import json_text
from slimtune.training.config.tracking import TrackerName, TrackingConfig
from slimtune.training.data_report.report import DataReport, as_text
from slimtune.training.listed_names import counted
from slimtune.training.tracking.display import best_metrics, by_dotted_key, log10_name
from slimtune.training.tracking.environment import environment
from slimtune.training.tracking.journal import QUEUED
from slimtune.training.tracking.line import RunStore, is_outage
from slimtune.training.tracking.mlflow_runs import Tracker
from slimtune.training.tracking.outbox_run import line_to, open_run
from slimtune.training.tracking.places.place import place_of
from slimtune.training.tracking.run import NullRun, TrackedRun
from slimtune.training.tracking.sync import ids_in_outboxes, sync
from slimtune.training.trial import Lineage
from slimtune.training.usual_places import DATA_REPORT_FILE

log = logging.getLogger(__name__)

# what the tracker calls it
VIEW_NAMES = {SECONDS: "fit/seconds"}


class ParentRun(NamedTuple):
    """The sweep's run, and where a browser finds its trials; neither link nor tracker while there is none to ask."""

    run: TrackedRun
    link: str | None
    tracker: Tracker | None
    folder: Path | None = None

    @property
    def own_link(self) -> str | None:
        """Where a browser finds the run itself."""
        run_id = self.run.run_id
        if self.tracker is None or run_id is None or run_id.startswith(QUEUED):
            return None
        return self.tracker.link_to(run_id)

    def end_left_open(self, study: Study, *, kind: str) -> None:
        """Close the runs of trials that ended just before their worker died: their last words never arrived.

        A run that no trial knows was begun by a worker that died before it could note it; once all trials have ended,
        it is deleted, since the trial has another. That of a trial which waits to be tried again is closed until then.

        Args:
            study: Knows how the trials ended.
            kind: Of its runs, `trial` or `rerun`.
        """
        parent = self.run.run_id
        if self.tracker is None or parent is None or parent.startswith(QUEUED):
            return
        # last words that are written down arrive by themselves
        if self.folder is not None:
            sync(self.folder)
        try:
            self._end_left_open(self.tracker, parent, study, kind=kind)
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("tracking: runs of workers that died may be open still; the next command closes them")

    def _end_left_open(self, tracker: Tracker, parent: str, study: Study, *, kind: str) -> None:
        trials = study.trials()
        ended = {trial.run_id: trial for trial in trials if trial.finished and trial.counts}
        noted = {trial.run_id for trial in trials}
        waiting = {trial.run_id for trial in trials if trial.state is TrialState.waiting}
        all_ended = study.num_unfinished() == 0
        written_down = set() if self.folder is None else ids_in_outboxes(self.folder)
        for run_id, key in tracker.open_runs(parent, kind=kind).items():
            # as the trial was told when the tracker did not have it yet
            known = run_id if run_id in noted else f"{QUEUED}{key}"
            if run_id in written_down:
                continue
            if known in ended:
                trial, run = ended[known], tracker.run(run_id)
                run.log_metrics(best_metrics(trial.attrs.get(RESULT, {})))
                run.end(state=trial.state.value, failed=trial.state is TrialState.failed)
            elif known in waiting:
                # resumed with its trial, if that is ever wanted
                tracker.run(run_id).end(state="interrupted", failed=True)
            elif all_ended and known not in noted:
                tracker.delete(run_id)

    def id_of(self, run_id: str | None) -> str | None:
        """The tracker's id of a run that it did not have yet when the run was noted, as far as it is known now."""
        if self.tracker is None or run_id is None or not run_id.startswith(QUEUED):
            return run_id
        try:
            return self.tracker.find(run_id.removeprefix(QUEUED)) or run_id
        except Exception as error:
            if not is_outage(error):
                raise
            return run_id

    def take_over(self, study: Study) -> None:
        """Tell that the sweep's run was deleted, and be the parent of its trials' runs that were not."""
        assert self.tracker is not None
        assert self.run.run_id is not None
        runs = [trial.run_id for trial in study.shown() if trial.run_id is not None]
        left = [run_id for run_id in runs if self.tracker.has(run_id)]
        for run_id in left:
            self.tracker.adopt(run_id, parent_run_id=self.run.run_id)
        _tell_aside(
            f"the sweep's run in MLflow was deleted, and {len(runs) - len(left)} of "
            f"{counted(len(runs), 'run of a trial', 'runs of trials')}: the sweep goes on under a new run, "
            f"{self.run.run_id}; what the trials scored stands in the study"
        )


def _tell_aside(sentence: str) -> None:
    """Tell a person, beside what the command prints."""
    Console(stderr=True).print(sentence, highlight=False, markup=False, soft_wrap=True)


def open_parent(request: SweepRequest, study: Study, config: TrackingConfig) -> ParentRun:
    """The parent run of a sweep: the one that an interrupted sweep began, or a new one.

    Where that one was deleted, its trials' runs that are left become children of the new one; where the sweep was told
    to go on elsewhere, they stay where they are.
    """
    if config.name is TrackerName.none:
        return ParentRun(NullRun(), None, None)
    line = line_to(config, request.search.config.name)
    place = place_of(config, request.search.config.name)
    move = move_told(noted_place(study.attrs()), place)
    # a run cannot change its experiment
    known = None if move is not None and move.is_of_experiment else study.attrs().get(PARENT_RUN)
    lineage = lineage_of(request, kind="sweep", name=request.search.config.name, parent_run_id=None)
    run = open_run(line, replace(lineage, run_id=known))
    tracker = line.ask(_tracker)
    run.tag_experiment(VIEW_TAG, view_tag(_view_content(request)))
    link = None if tracker is None else f"{tracker.link()}&viewStateShareKey={VIEW_KEY}"
    if run.run_id != known:
        study.set_attr(PARENT_RUN, run.run_id)
    note_place(study, request.folder, place)
    parent = ParentRun(run, link, tracker, request.folder)
    if run.is_new:
        _log_beginning(run, request)
        if move is not None:
            _tell_aside(
                f"the sweep goes on in another {move.there}, as it was told to, under a new run, {run.run_id}; its "
                f"runs so far stay in '{move.before}', and what the trials scored stands in the study"
            )
        elif known is not None and tracker is not None:
            parent.take_over(study)
    return parent


def _view_content(request: SweepRequest) -> ViewContent:
    shown = [name for name in request.search.goals.shown if name != UNNAMED]
    scaled = request.space.log_scaled_keys()
    scores = dict.fromkeys((request.values["task"]["metric"], *(name for name in shown if name not in COSTS)))
    return ViewContent(
        axes={key: log10_name(key) if key in scaled else key for key in request.space.searched_keys()},
        metrics=[VIEW_NAMES.get(name, name) if name in COSTS else f"best/{name}" for name in shown],
        curves=[f"validation/{name}" for name in scores],
        maximize=request.search.maximize,
    )


def _tracker(store: RunStore) -> Tracker:
    assert isinstance(store, Tracker)
    return store


def lineage_of(request: SweepRequest, *, kind: str, name: str, parent_run_id: str | None) -> Lineage:
    """The place of a run that is no trial."""
    return Lineage(
        experiment=request.search.config.name,
        kind=kind,
        name=name,
        parent_run_id=parent_run_id,
        run_id=None,
        sampled={},
        folder=request.folder,
        tags={"sweep": request.search.config.name},
    )


def _log_beginning(run: TrackedRun, request: SweepRequest) -> None:
    values = dict(request.values)
    run.log_text(yaml.safe_dump(values, sort_keys=False, allow_unicode=True), "config.yaml")
    run.log_text(json_text(environment(), indent=1), "environment.json")
    run.log_params({**by_dotted_key({"search": values["search"]}), **request.space.described()})


def log_data_report(run: TrackedRun, report: DataReport) -> None:
    """The data report, to be read by machines and by people; a resumed sweep writes the same one again."""
    run.log_text(json_text(report.as_dict(), indent=1, ensure_ascii=False), DATA_REPORT_FILE)
    run.log_text(as_text(report), "data_report.txt")


def log_leaderboard(run: TrackedRun, trials: Sequence[TrialRecord], goals: Goals, *, winner: int | None = None) -> None:
    """All trials as a table artifact; of none is told that it won, while none has."""
    _log_table(run, trials, goals, "leaderboard.json", winner)


def log_pareto(run: TrackedRun, trials: Sequence[TrialRecord], goals: Goals, *, winner: int) -> None:
    """The Pareto set as a table artifact, and its trials as a tag."""
    run.set_tags({"pareto": ",".join(str(trial.number) for trial in trials)})
    _log_table(run, trials, goals, "pareto.json", winner)


def _log_table(run: TrackedRun, trials: Sequence[TrialRecord], goals: Goals, path: str, winner: int | None) -> None:
    keys = param_keys(trials)
    columns: dict[str, list[Any]] = {
        "trial": [trial.number for trial in trials],
        "state": [trial.standing for trial in trials],
        "winner": [trial.number == winner for trial in trials],
        "objective": [trial.objective for trial in trials],
        **{name: [trial.measured.get(name) for trial in trials] for name in goals.shown},
        **{key: [trial.params.get(key) for trial in trials] for key in keys},
        "seconds": [trial.seconds for trial in trials],
    }
    # replaced as a whole: MLflow's own log_table would add the same trials again when a sweep is resumed
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    run.log_text(json_text({"columns": list(columns), "data": rows}, indent=1), path)


def log_winner(
    run: TrackedRun, chosen: Finalist, checkpoint: Path, *, values: Mapping[str, float], upload: bool
) -> None:
    """The winner, under names that no trial uses: the UI would mix the parent in among its trials."""
    run.log_metrics({"winner/validation_mean": chosen.mean})
    if chosen.spread is not None:
        run.log_metrics({"winner/validation_spread": chosen.spread})
    run.log_metrics({f"winner/{name}": value for name, value in values.items()})
    run.set_tags({"winner": str(chosen.number), **{f"winner.{key}": str(v) for key, v in chosen.params.items()}})
    if upload:
        run.log_folder(checkpoint, "checkpoint")


def log_test(run: TrackedRun, test: Mapping[str, Any]) -> None:
    """The test scores with their intervals."""
    run.log_metrics({f"winner/test_{name}": item["value"] for name, item in test["scores"].items()})
    run.log_text(json_text(test, indent=1), "test.json")
    if test.get("note"):
        run.set_tags({"winner.warning": test["note"]})
