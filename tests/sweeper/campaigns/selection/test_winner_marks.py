"""The runs of finalists are tagged once the sweep has chosen, and told otherwise when it chooses anew."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from slimtune.sweeper.campaigns.selection.winner_marks import mark_trials
from slimtune.sweeper.finalist import Finalist
from slimtune.sweeper.search.request import SweepRequest
from slimtune.sweeper.study import Study
from slimtune.training.tracking.line import Line
from slimtune.training.tracking.mlflow_runs import Tracker, client_of
from slimtune.training.tracking.outbox_run import tag_ended
from slimtune.training.tracking.sync import waits_in
from tests.conftest import make_lineage
from tests.sweeper.report_page.sweeps import a_trial
from tests.training.tracking.test_mlflow_runs import config_at


class Noted:
    """In the place of a study."""

    def __init__(self, run_ids: list[str]) -> None:
        self.noted: dict[str, Any] = {}
        self.run_ids = run_ids

    def attrs(self) -> dict[str, Any]:
        return self.noted

    def set_attr(self, key: str, value: Any) -> None:
        self.noted[key] = value

    def shown(self) -> list[Any]:
        return [a_trial(at, run_id=run_id) for at, run_id in enumerate(self.run_ids)]


@pytest.mark.slow
def test_the_winner_and_the_finalists_are_tagged_and_an_earlier_one_is_told_that_it_is_none(tmp_path: Path) -> None:
    """What else their runs say of how they ended stays."""
    config, tracker = config_at(tmp_path), Tracker(config_at(tmp_path), "e")
    runs = [tracker.start(make_lineage(tmp_path)) for _ in range(3)]
    for run in runs:
        run.end(state="complete")
    study = Noted([run.run_id or "" for run in runs])
    client = client_of(config.uri or "")
    ended = client.get_run(study.run_ids[0]).info.end_time
    search = SimpleNamespace(config=SimpleNamespace(name="e"))
    request = cast(SweepRequest, SimpleNamespace(search=search, folder=tmp_path))

    def marks(*finalists: int, winner: int) -> list[tuple[str | None, str | None]]:
        found = [Finalist(number, {}, []) for number in finalists]
        mark_trials(request, cast(Study, study), config, found, winner)
        tags = [client.get_run(run_id).data.tags for run_id in study.run_ids]
        return [(one.get("winner"), one.get("finalist")) for one in tags]

    assert marks(0, 1, winner=0) == [("true", "true"), ("false", "true"), (None, None)]
    assert marks(1, 2, winner=2) == [("false", "false"), ("false", "true"), ("true", "true")]
    found = client.get_run(study.run_ids[0])
    assert (found.info.status, found.data.tags["state"]) == ("FINISHED", "complete")
    assert found.info.end_time == ended
    assert waits_in(tmp_path) == 0


def test_a_tag_for_a_tracker_that_is_away_waits_in_the_trials_folder(tmp_path: Path) -> None:
    def away() -> Any:
        raise ConnectionError("away")

    line = Line("http://127.0.0.1:1", "e", away)
    tag_ended(line, make_lineage(tmp_path, run_id="0" * 32), {"winner": "true"})
    assert waits_in(tmp_path) == 1
