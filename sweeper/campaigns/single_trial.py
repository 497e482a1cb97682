"""`slimtune train`: one trial of the config, without a search."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from slimtune.export.config import parse_export
from slimtune.sweeper.checks import checked_search
from slimtune.sweeper.first_look import check_files
from slimtune.training.config.trial import parse_trial
from slimtune.training.errors import StoreError, UserError
from slimtune.training.trial import Completed, Failed, FailureKind, Lineage, Outcome, Pruned, Report, Verdict

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
        self._console = console
        self._metric = config["task"]["metric"]

    def began(self, run_id: str | None) -> None:
        """Keep the run's id for the last lines."""
        self.run_id = run_id

    def report(self, examples_seen: int, report: Report) -> Verdict:
        """Print the evaluation and let the trial continue."""
        losses = f"loss: train {report.train['train/loss']:.4f}, validation {report.scores['validation/loss']:.4f}"
        progress = f"{report.progress:4.0%}  {examples_seen:>7} rows"
        objective = f"{self._metric} {report.objective:.4f}"
        self._console.print(f"{progress}  {losses}  {objective}", highlight=False, soft_wrap=True)
        if report.overfits_since is not None:
            since = f"{report.overfits_since} rows"
            story = f"overfits: validation loss was lowest after {since} and rises since, training loss falls"
            self._console.print(f"      {story} (docs/diagnose.md)", highlight=False, soft_wrap=True)
        return Verdict(stop=False)

    def finish(self, outcome: Outcome) -> None:
        """Nothing is waiting for the outcome; `train` returns it."""


def train_single_trial(values: Mapping[str, Any], folder: str) -> TrainResult:
    """Run one trial and say where its result stands.

    Raises:
        ConfigError: The config has problems.
        UserError: The data, the model or the hyperparameters do not work.
    """
    search = checked_search(values)
    check_files(values)
    from slimtune.sweeper.campaigns.places import Places
    from slimtune.sweeper.campaigns.preparation import prepare
    from slimtune.sweeper.reporting.data_table import print_data
    from slimtune.training.data_report.build import write_report
    from slimtune.training.workbench.workbench import Workbenches
    from slimtune.training.worker.run import run_trial

    console = Console()
    benches = Workbenches()
    export = parse_export(values["export"]).section
    places = Places(Path(folder), num_checkpoints=1, experiment=search.config.name)
    # what it leaves is to be exported by another command, unless export=none
    report = prepare(parse_trial(values).section, export, places=places, read=benches.read).report
    print_data(console, report)
    write_report(report, Path(folder))
    lineage = Lineage(
        experiment=search.config.name,
        kind="trial",
        name=f"train {Path(folder).name}",
        parent_run_id=None,
        run_id=None,
        sampled={},
        folder=Path(folder),
        tags={"sweep": search.config.name},
    )
    trial = SingleTrial(values, lineage, console)
    match run_trial(trial, benches):
        case Completed(scores, checkpoint):
            console.print(f"best: objective {scores['objective']:.4f}")
            console.print(f"checkpoint: {checkpoint}", highlight=False, soft_wrap=True)
            if trial.run_id is not None:
                console.print(f"run: {trial.run_id}  (slimtune ui)", highlight=False)
            return TrainResult(scores, checkpoint, trial.run_id)
        case Failed(kind, message, trace) if kind in OUR_FAULTS:
            raise RuntimeError(f"{message}\n{trace}")
        case Failed(kind, message, _):
            raise UserError(f"the trial failed ({kind.value}): {message}")
        case Pruned():
            raise StoreError("a trial without a search was pruned")
