"""`slimtune train`: one trial of the config, without a search."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.console import Console

from slimtune.export.config import parse_export
from slimtune.sweeper.checks import checked_search
from slimtune.sweeper.first_look import check_files
from slimtune.sweeper.reporting.stages.stage_lines import print_line
from slimtune.training.checkpoints.attempt import Attempt, Stop, attempted, forget_attempts, left_attempts, note_attempt
from slimtune.training.config.tracking import TrackerName, TrackingConfig
from slimtune.training.config.trial import parse_trial
from slimtune.training.errors import StoreError, UserError
from slimtune.training.hardware.load import OthersLoad
from slimtune.training.tracking.journal import QUEUED
from slimtune.training.trial import Completed, Failed, FailureKind, Lineage, Outcome, Pruned, Report, Verdict

if TYPE_CHECKING:
    from slimtune.training.workbench.workbench import Workbenches

OUR_FAULTS = (FailureKind.bug, FailureKind.lost)


class TrainResult(NamedTuple):
    """What one trial without a search gave.

    Attributes:
        scores: `split/metric` at the best evaluation, and `objective`.
        checkpoint: Folder of the best checkpoint.
        run_id: Its run in the tracker; None without a tracker.
    """

    scores: Mapping[str, float]
    checkpoint: Path
    run_id: str | None


class SingleTrial:
    """A trial that nobody searches for: it never stops by the search, and its progress goes to the terminal."""

    number = 0

    def __init__(self, config: Mapping[str, Any], lineage: Lineage, console: Console) -> None:
        self.config = config
        self.lineage = lineage
        self.run_id: str | None = None
        self.stop = Stop()
        self.cores: int | None = None
        self._console = console
        self._metric = config["task"]["metric"]

    def began(self, run_id: str | None) -> None:
        """Keep the run's id for the last lines, and for whoever goes on with the trial."""
        self.run_id = run_id
        note_attempt(self.lineage.folder, run_id, cores=self.cores)

    def say(self, line: str) -> None:
        """A line on the terminal."""
        print_line(self._console, line)

    def report(self, examples_seen: int, report: Report) -> Verdict:
        """Print the evaluation and let the trial continue."""
        losses = f"loss: train {report.train['train/loss']:z.4f}, validation {report.scores['validation/loss']:z.4f}"
        progress = f"{report.progress:4.0%}  {examples_seen:>7} rows"
        objective = f"{self._metric} {report.objective:z.4f}"
        self.say(f"{progress}  {losses}  {objective}")
        if report.overfits_since is not None:
            since = f"{report.overfits_since} rows"
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
    search = checked_search(values)
    check_files(values)
    load = OthersLoad()
    from slimtune.sweeper.campaigns.own_cores import own_cores
    from slimtune.sweeper.campaigns.places import Places
    from slimtune.sweeper.campaigns.preparation import prepare
    from slimtune.sweeper.reporting.data_table import print_data
    from slimtune.sweeper.reporting.stages.stage_lines import stages_shown
    from slimtune.training.data_report.build import write_report
    from slimtune.training.workbench.workbench import Workbenches

    console = Console()
    benches = Workbenches()
    export = parse_export(values["export"]).section
    places = Places(Path(folder), num_checkpoints=1, experiment=search.config.name)
    # what it leaves is to be exported by another command, unless export=none
    config = parse_trial(values).section
    with stages_shown(console):
        report = prepare(config, export, places=places, read=benches.read).report
    print_data(console, report)
    write_report(report, Path(folder))
    with left_attempts(values, Path(folder)) as left:
        lineage = _lineage(search.config.name, Path(folder), left)
        trial = SingleTrial(values, lineage, console)
        if left:
            anew = "to begin anew, remove it or change fit.seed"
            trial.say(f"goes on with the trial that was interrupted in {left[0].folder} ({anew})")
        taken = own_cores(config.fit, load, before=left[0].cores if left else None)
        trial.cores = taken.number
        if taken.note is not None:
            trial.say(taken.note)
        return _result(trial, _run(trial, config.tracking, benches))


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
            trial.say(f"best: objective {scores['objective']:z.4f}")
            trial.say(f"checkpoint: {checkpoint}")
            if trial.run_id is not None and not trial.run_id.startswith(QUEUED):
                trial.say(f"run: {trial.run_id}  (slimtune ui)")
            return TrainResult(scores, checkpoint, trial.run_id)
        case Failed(kind, message, trace) if kind in OUR_FAULTS:
            raise RuntimeError(f"{message}\n{trace}")
        case Failed(kind, message, _):
            raise UserError(f"the trial failed ({kind.value}): {message}")
        case Pruned():
            raise StoreError("a trial without a search was pruned")
