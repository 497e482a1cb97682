"""What is done of a sweep between its last trial and its end, as far as its study tells."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from slimtune.sweeper.study.analysis.outcome import has_stage, winner_stage
from slimtune.sweeper.study.record import DOING, SETTINGS, WINNER, TrialRecord
from slimtune.training.listed_names import agreeing, counted


class SweepStage(Enum):
    """What comes after the trials, in this order.

    Attributes:
        reruns: The best are trained again with fresh seeds.
        choice: A winner is chosen.
        test: Its test rows are read.
        export: It is exported and verified.
        registered: It is registered.
        refused: No variant of it kept the limits of the export, so that it is not registered.
        closing: All of this is done; pages are written.
    """

    reruns = "reruns"
    choice = "choice"
    test = "test"
    export = "export"
    registered = "registered"
    refused = "refused"
    closing = "closing"


TOLD = {
    SweepStage.reruns: "the best are rerun with fresh seeds",
    SweepStage.choice: "the winner is chosen",
    SweepStage.test: "the winner is scored on the test rows",
    SweepStage.export: "the winner is exported and verified",
    SweepStage.registered: "the winner is registered",
    SweepStage.refused: "no variant of the winner kept the limits of the export, so that none is registered",
    SweepStage.closing: "the pages of the sweep are written",
}


def stage_of(attrs: Mapping[str, Any], reruns: Sequence[TrialRecord]) -> SweepStage:
    """What is done now, or comes next where nobody works on it.

    Args:
        attrs: Of the study of a sweep whose trials have ended.
        reruns: Those that are enqueued so far.
    """
    settings = attrs.get(SETTINGS) or {}
    if any(not trial.finished for trial in reruns):
        return SweepStage.reruns
    if not attrs.get(WINNER):
        are_to_come = not reruns and settings.get("search.rerun_seeds", "0") != "0"
        return SweepStage.reruns if are_to_come else SweepStage.choice
    if (doing := {one.value: one for one in SweepStage}.get(attrs.get(DOING, ""))) is not None:
        return doing
    exported = winner_stage(attrs, SweepStage.export.value)
    if "chosen" in exported and exported["chosen"] is None:
        return SweepStage.refused
    missing = (one for one in _asked_for(settings) if not has_stage(attrs, one.value))
    return next(missing, SweepStage.closing)


def told_stage_of(stage: SweepStage, reruns: Sequence[TrialRecord], *, is_on: bool) -> str:
    """In words, with how many reruns have ended.

    Args:
        stage: It is done, or comes next.
        reruns: Those that are enqueued so far.
        is_on: Whether somebody works on it.
    """
    when = "" if stage is SweepStage.refused else "now " if is_on else "next "
    told = f"its trials have ended, and {when}{TOLD[stage]}"
    if stage is not SweepStage.reruns or not reruns:
        return told
    ended = sum(trial.finished for trial in reruns)
    are = f"{ended} of {counted(len(reruns), 'rerun')} {agreeing(ended, 'has', 'have')} ended"
    return f"{told}; {are}"


def _asked_for(settings: Mapping[str, str]) -> list[SweepStage]:
    """The stages of a winner; what is not known is taken to be asked for."""
    if settings.get("export.name") == "none":
        return [SweepStage.test]
    is_registered = settings.get("tracking.name") != "none" and settings.get("tracking.mode") != "offline"
    return [SweepStage.test, SweepStage.export, *[SweepStage.registered] * is_registered]
