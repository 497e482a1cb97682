"""Whatever dies, a sweep ends with its budget and with each trial once."""

import random
from collections import Counter
from pathlib import Path

import pytest

from slimtune.sweeper.study import TrialState
from slimtune.sweeper.study.record import LOST
from tests.services import service
from tests.sweeper.search.storm import StormySweep, kill_a_worker

pytestmark = pytest.mark.slow
BUDGET = 100


@pytest.fixture(params=["sqlite", "journal", "postgresql"])
def storage_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Each kind locks in a way of its own."""
    match request.param:
        case "sqlite":
            return f"sqlite:///{tmp_path / 'study.db'}"
        case "journal":
            return f"journal:///{tmp_path / 'study.log'}"
        case name:
            return service(name)


def test_a_storm(tmp_path: Path, storage_url: str) -> None:
    """A hundred trials on four workers, of which some are killed, and twice the launching process too."""
    sweep = StormySweep(
        tmp_path,
        storage_url,
        [
            f"hydra.sweeper.search.n_trials={BUDGET}",
            *("hydra.sweeper.search.sampler=random", "hydra.sweeper.search.pruner=none"),
            *("hydra/launcher=joblib", "hydra.sweeper.search.num_workers=4", "hydra.sweeper.search.max_retries=50"),
        ],
    )
    rng = random.Random(0)
    launcher = sweep.start()
    sweep.wait_for(12, launcher)
    kill_a_worker(launcher, rng)
    for ended in (40, 75):
        sweep.wait_for(ended, launcher)
        # so that the launching process cannot tell what became of it
        kill_a_worker(launcher, rng)
        launcher.kill()
        launcher.wait()
        launcher = sweep.start()
    assert launcher.wait(timeout=600) == 0, sweep.said()
    shown = sweep.shown()
    assert [trial.state for trial in shown] == [TrialState.complete] * BUDGET
    points = Counter(trial.params["+x"] if "+x" in trial.params else trial.params["x"] for trial in shown)
    assert max(points.values()) == 1
    others = [trial for trial in sweep.every() if not trial.counts]
    assert {trial.kind for trial in others} <= {LOST, "surplus", "repeated"}
    assert LOST in {trial.kind for trial in others}
    # one that is in the study as complete has come to its end once
    calls = Counter(int(line.split()[0]) for line in sweep.calls.read_text().splitlines())
    assert all(calls[trial.number] == 1 for trial in shown)


def test_two_launching_processes_share_a_sweep(tmp_path: Path) -> None:
    """The second one joins, and the one that is left ends it when the first is killed."""
    sweep = StormySweep(
        tmp_path,
        f"sqlite:///{tmp_path / 'study.db'}",
        [*("hydra.sweeper.search.n_trials=40", "hydra.sweeper.search.sampler=random")],
    )
    # alone it would not come to the end
    first = sweep.start(step_seconds=1)
    sweep.wait_for(1, first)
    second = sweep.start()
    sweep.wait_for_words("joins it with workers of its own", second)
    first.kill()
    first.wait()
    assert second.wait(timeout=600) == 0, sweep.said()
    shown = sweep.shown()
    assert len(shown) == 40
    assert all(trial.finished for trial in shown)
    assert (tmp_path / "out" / "optimization_results.yaml").is_file()
