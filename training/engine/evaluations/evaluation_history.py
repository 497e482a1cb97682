"""A trial's evaluations so far: what it reported, the best of it, and whether to wait for better."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from slimtune.training.config.trial import TrialConfig
from slimtune.training.engine.evaluations.early_stopping import EarlyStopping
from slimtune.training.engine.evaluations.overfitting import overfits_since
from slimtune.training.trial import Completed, Report


class EvaluationHistory:
    """What the evaluations of a trial have come to.

    Attributes:
        best: The checkpoint of the best evaluation and its scores; whoever has written one sets it.
        reports: Examples seen and report of each evaluation.
    """

    def __init__(self, config: TrialConfig) -> None:
        self._patience = EarlyStopping(
            patience=config.fit.patience,
            min_improvement=config.fit.min_improvement,
            maximize=config.task.maximize,
        )
        self._overfits = False
        self.best: Completed | None = None
        self.reports: list[tuple[int, Report]] = []

    @property
    def early_end(self) -> Completed | None:
        """The best one, once the trial has waited long enough for a better one."""
        if self.best is None or not self._patience.exhausted:
            return None
        return replace(self.best, ended_by="fit.patience")

    @property
    def num_waited(self) -> int:
        """Evaluations since the last improvement."""
        return self._patience.num_waited

    def update(self, objective: float) -> bool:
        """Take a score in; whether it is the best so far."""
        return self._patience.update(objective)

    def newly_overfits(self) -> int | None:
        """The examples since which the trial overfits, the first time that it is seen."""
        metrics = [(milestone, report.as_metrics()) for milestone, report in self.reports]
        since = None if self._overfits else overfits_since(metrics)
        self._overfits = self._overfits or since is not None
        return since

    def state(self) -> dict[str, Any]:
        """As JSON can hold it."""
        best = None if self.best is None else [dict(self.best.scores), str(self.best.checkpoint)]
        reports = [(milestone, asdict(report)) for milestone, report in self.reports]
        return {"patience": asdict(self._patience), "best": best, "reports": reports}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state."""
        self._patience = EarlyStopping(**state["patience"])
        self.best = None if state["best"] is None else Completed(state["best"][0], Path(state["best"][1]))
        self.reports = [(milestone, Report(**report)) for milestone, report in state["reports"]]
