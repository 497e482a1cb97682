"""`slimtune train`: one trial of the config, without a search."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.console import Console

from slimtune.export.config import parse_export
from slimtune.sweeper.campaigns.trial_folder.held import check_same_config, check_same_files, saved_states
from slimtune.sweeper.campaigns.trial_folder.result import TrainResult, known_result, write_result
from slimtune.sweeper.campaigns.trial_folder.tracked import check_same_tracker, note_tracker
from slimtune.sweeper.checks import checked_search
from slimtune.sweeper.first_look import check_files
from slimtune.sweeper.reporting.stages.stage_lines import print_line
from slimtune.training.checkpoints.attempt import Attempt, Stop, attempted, forget_attempts, left_attempts, note_attempt
from slimtune.training.config.tracking import TrackerName, TrackingConfig
from slimtune.training.config.trial import parse_trial
from slimtune.training.errors import StoreError, UserError
from slimtune.training.hardware.load import OthersLoad
from slimtune.training.listed_names import counted
from slimtune.training.tracking.journal import QUEUED
from slimtune.training.trial import Completed, Failed, FailureKind, Lineage, Outcome, Pruned, Report, Verdict

if TYPE_CHECKING:
    from slimtune.sweeper.campaigns.own_cores import OwnCores
    from slimtune.sweeper.campaigns.places import Places
    from slimtune.sweeper.campaigns.preparation import Preparation
    from slimtune.training.workbench.workbench import Workbenches

ANEW = "to begin anew, remove that folder"
OUR_FAULTS = (FailureKind.bug, FailureKind.lost)


class PlannedRows(NamedTuple):
    """How much a trial trains.

    Attributes:
        total_rows: Of all its steps.
        rows_per_epoch: Training rows that there are.
    """

    total_rows: int
    rows_per_epoch: int


class SingleTrial:
    """A trial that nobody searches for: it never stops by the search, and its progress goes to the terminal."""

    number = 0

    def __init__(self, config: Mapping[str, Any], lineage: Lineage, length: PlannedRows, console: Console) -> None:
        self.config = config
        self.lineage = lineage
        self.run_id: str | None = None
        self.stop = Stop()
        self.cores: int | None = None
        self._console = console
        self._metric = config["task"]["metric"]
        self._length = length
        self._num_shown_before = 0

    def began(self, run_id: str | None) -> None:
        """Keep the run's id for the last lines, and for whoever goes on with the trial."""
        self.run_id = run_id
        note_attempt(self.lineage.folder, run_id, cores=self.cores)

    def say(self, line: str) -> None:
        """A line on the terminal."""
        print_line(self._console, line)

    def resumed(self, examples_seen: int, num_reports: int) -> None:
        """Say where the trial goes on; what was printed before is not printed again."""
        total, per_epoch = self._length
        epochs = f"epoch {examples_seen / per_epoch:.2f} of {total / per_epoch:.2f}"
        shown = "; evaluations until there are not shown again" if num_reports else ""
        self.say(f"goes on after {examples_seen:,} of {counted(total, 'row')} ({epochs}){shown}")
        self._num_shown_before = num_reports

    def report(self, examples_seen: int, report: Report) -> Verdict:
        """Print the evaluation, unless an earlier attempt has, and let the trial continue."""
        if self._num_shown_before:
            self._num_shown_before -= 1
            return Verdict(stop=False)
        losses = f"loss: train {report.train['train/loss']:z.4f}, validation {report.scores['validation/loss']:z.4f}"
        progress = f"{report.progress:4.0%}  {examples_seen:>7} rows"
        objective = f"{self._metric} {report.objective:z.4f}"
        self.say(f"{progress}  {losses}  {objective}")
        if report.overfits_since is not None:
            since = counted(report.overfits_since, "row")
            story = f"overfits: validation loss was lowest after {since} and rises since, training loss falls"
            self.say(f"      {story} (docs/diagnose.md)")
        return Verdict(stop=False)

    def finish(self, outcome: Outcome) -> None:
        """Unless it was stopped, there is nothing to go on with; `train` returns the outcome."""
        if not _was_stopped(outcome):
            forget_attempts(self.lineage.folder, *self.lineage.earlier)

    def pulse(self) -> Failed | None:
        """How the trial is to end now: put down, once a signal has asked for it."""
        return None if self.stop.signal is None else Failed(FailureKind.stopped, "it was asked to end", "")


def _was_stopped(outcome: Outcome) -> bool:
    return isinstance(outcome, Failed) and outcome.kind is FailureKind.stopped


def train_single_trial(values: Mapping[str, Any], folder: str) -> TrainResult:
    """Run one trial and say where its result stands.

    Raises:
        ConfigError: The config has problems.
        UserError: The data, the model or the hyperparameters do not work.
    """
    search, place = checked_search(values), Path(folder)
    check_same_config(place, values)
    config = parse_trial(values).section
    check_same_tracker(place, config.tracking, search.config.name)
    check_files(values)
    load = OthersLoad()
    from slimtune.sweeper.campaigns.own_cores import own_cores
    from slimtune.sweeper.campaigns.places import Places
    from slimtune.sweeper.reporting.data_table import print_data
    from slimtune.training.data_report.build import write_report
    from slimtune.training.workbench.workbench import Workbenches

    console, benches = Console(), Workbenches()
    places = Places(place, num_checkpoints=1, experiment=search.config.name)
    prepared = _prepared(values, places, benches, console)
    check_same_files(place, data=prepared.data_fingerprint, base=prepared.base_fingerprint)
    if (known := known_result(place)) is not None:
        print_line(console, f"the trial in {place} is done: nothing is left to train ({ANEW})")
        return _told(known, partial(print_line, console))
    print_data(console, prepared.report)
    write_report(prepared.report, place)
    note_tracker(place, config.tracking, search.config.name)
    with left_attempts(values, place) as left:
        if left and left[0].folder != place:
            # with flags of Hydra's own
            check_same_tracker(left[0].folder, config.tracking, search.config.name)
        length = PlannedRows(prepared.rungs.longest, prepared.num_train_rows)
        trial = SingleTrial(values, _lineage(search.config.name, place, left), length, console)
        _tell_beginning(trial, left, own_cores(config.fit, load, before=_cores_before(left)))
        return _result(trial, _run(trial, config.tracking, benches))


def _tell_beginning(trial: SingleTrial, left: Sequence[Attempt], taken: "OwnCores") -> None:
    """What it goes on with, and on how many cores it computes."""
    if left:
        trial.say(_told_left(left))
    trial.cores = taken.number
    if taken.note is not None:
        trial.say(taken.note)


def _cores_before(left: Sequence[Attempt]) -> int | None:
    return left[0].cores if left else None


def _prepared(values: Mapping[str, Any], places: "Places", benches: "Workbenches", console: Console) -> "Preparation":
    """What it leaves is to be exported by another command, unless export=none: so that is looked at too."""
    from slimtune.sweeper.campaigns.preparation import prepare
    from slimtune.sweeper.reporting.stages.stage_lines import stages_shown

    export = parse_export(values["export"]).section
    with stages_shown(console):
        return prepare(parse_trial(values).section, export, places=places, read=benches.read)


def _told_left(left: Sequence[Attempt]) -> str:
    """What is said of earlier attempts."""
    place = left[0].folder
    if any(saved_states(one.folder) for one in left):
        return f"goes on with the trial that was interrupted in {place} ({ANEW})"
    return f"begins anew: the trial that was interrupted in {place} had not saved its state yet (fit.save_minutes)"


def _lineage(name: str, folder: Path, left: Sequence[Attempt]) -> Lineage:
    """Where the trial belongs, and what it goes on with."""
    return Lineage(
        experiment=name,
        kind="trial",
        name=f"train {folder.name}",
        parent_run_id=None,
        run_id=left[0].run_id if left else None,
        sampled={},
        folder=folder,
        tags={"sweep": name},
        earlier=[one.folder for one in left if one.folder != folder],
    )


def _run(trial: SingleTrial, tracking: TrackingConfig, benches: "Workbenches") -> Outcome:
    from slimtune.training.hardware.threads import at_most
    from slimtune.training.tracking.sync import send_waiting
    from slimtune.training.worker.run import run_trial

    folder = trial.lineage.folder
    try:
        with attempted(folder, trial.stop), at_most(trial.cores):
            outcome = run_trial(trial, benches)
    finally:
        if tracking.name is not TrackerName.none:
            send_waiting(folder, tracking, trial.say)
    if _was_stopped(outcome):
        trial.say("put down with its state saved; the same command goes on with it")
        trial.stop.end()
    return outcome


def _result(trial: SingleTrial, outcome: Outcome) -> TrainResult:
    match outcome:
        case Completed(scores, checkpoint, ended_by):
            if ended_by is not None:
                trial.say(f"ended by {ended_by}: no better score in so many evaluations")
            result = TrainResult(scores, checkpoint, trial.run_id)
            write_result(trial.lineage.folder, result)
            return _told(result, trial.say)
        case Failed(kind, message, trace) if kind in OUR_FAULTS:
            raise RuntimeError(f"{message}\n{trace}")
        case Failed(kind, message, _):
            raise UserError(f"the trial failed ({kind.value}): {message}")
        case Pruned():
            raise StoreError("a trial without a search was pruned")


def _told(result: TrainResult, say: Callable[[str], None]) -> TrainResult:
    say(f"best: objective {result.scores['objective']:z.4f}")
    say(f"checkpoint: {result.checkpoint}")
    if result.run_id is not None and not result.run_id.startswith(QUEUED):
        say(f"run: {result.run_id}  (slimtune ui)")
    return result
