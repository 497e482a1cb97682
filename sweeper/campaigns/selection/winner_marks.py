"""Which trials were the finalists and which one won, as tags of their runs in the tracker."""

from collections.abc import Sequence

from slimtune.sweeper.finalist import Finalist
from slimtune.sweeper.search.request import SweepRequest
from slimtune.sweeper.study import Study, TrialRecord
from slimtune.sweeper.study.record import MARKED
from slimtune.training.config.tracking import TrackerName, TrackingConfig
from slimtune.training.tracking.names import FINALIST_TAG, WINNER_TAG
from slimtune.training.tracking.outbox_run import line_to, tag_ended
from slimtune.training.trial import Lineage


def mark_trials(
    request: SweepRequest, study: Study, tracking: TrackingConfig, finalists: Sequence[Finalist], winner: int
) -> None:
    """Tag the finalists' runs; one that was marked before more trials brought others is told `false`.

    Args:
        request: The sweep's.
        study: Of its trials, which remembers whom it has marked.
        tracking: Where the runs are.
        finalists: The best trials.
        winner: Number of the one that was chosen.
    """
    if tracking.name is TrackerName.none:
        return
    now = {one.number for one in finalists}
    before = set(study.attrs().get(MARKED) or ())
    # noted first: whoever is cut off in between takes back what it has marked
    study.set_attr(MARKED, sorted(now | before))
    line = line_to(tracking, request.search.config.name)
    for trial in study.shown():
        if trial.run_id is not None and trial.number in now | before:
            tags = tags_of(trial.number, now, winner)
            tag_ended(line, _lineage_of(request, trial), tags)
    study.set_attr(MARKED, sorted(now))


def tags_of(number: int, finalists: set[int], winner: int) -> dict[str, str]:
    """Of one trial's run."""
    return {WINNER_TAG: _word(number == winner), FINALIST_TAG: _word(number in finalists)}


def _word(value: bool) -> str:
    return "true" if value else "false"


def _lineage_of(request: SweepRequest, trial: TrialRecord) -> Lineage:
    return Lineage(
        experiment=request.search.config.name,
        kind="trial",
        name=str(trial.attrs.get("name", trial.number)),
        parent_run_id=None,
        run_id=trial.run_id,
        sampled=trial.params,
        folder=request.folder / "trials" / str(trial.number),
    )
