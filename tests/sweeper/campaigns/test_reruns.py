"""The reruns of the finalists, which several launching processes share."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from slimtune.sweeper.campaigns.selection import BegunReruns, rerun_study
from slimtune.sweeper.search.request import SweepRequest
from slimtune.sweeper.search.trials.trial_source import NAME, OF_TRIAL
from slimtune.sweeper.study import Lease, TrialRecord, TrialState
from tests.cases.sweep_requests import RequestOf, request_of
from tests.sweeper.campaigns.test_selection import record

__all__ = ["request_of"]


@pytest.fixture(name="sweep")
def sweep_fixture(request_of: RequestOf, tmp_path: Path) -> SweepRequest:  # a fixture of another file
    return request_of("search.rerun_seeds=2", f"search.storage='journal:///{tmp_path / 'study.log'}'")


FINALISTS: list[TrialRecord] = [
    record(number, TrialState.complete, 0.5)._replace(params={"fit.learning_rate": 1e-3 * (number + 1)})
    for number in (0, 3)
]


def test_another_process_takes_part_once_all_are_enqueued(sweep: SweepRequest) -> None:
    """And no more when all have ended. None of them is done twice."""
    begun = BegunReruns(sweep, FINALISTS)
    assert begun.study() is None
    rerun_study(sweep, FINALISTS[:1])
    assert begun.study() is None, "of one finalist only"
    leading = rerun_study(sweep, FINALISTS)
    beside = begun.study()
    assert beside is not None
    assert beside.spec == leading.spec
    done: list[Any] = []
    with Lease(leading) as one, Lease(beside) as two:
        pairs = [(leading, one), (beside, two)] * 3
        for study, lease in pairs:
            asked = study.ask(lease.worker)
            if asked is not None:
                study.complete(asked.number, 0.5)
                done.append((asked.attrs[OF_TRIAL], asked.attrs[NAME]))
    assert Counter(number for number, _ in done) == {0: 2, 3: 2}
    assert len(set(done)) == 4
    assert begun.study() is None


def test_a_finalist_that_this_process_does_not_know_is_not_rerun_by_it(sweep: SweepRequest) -> None:
    """The one that leads has another budget: its finalists are others."""
    rerun_study(sweep, FINALISTS[:1])
    assert BegunReruns(sweep, FINALISTS[1:]).study() is None
    assert BegunReruns(sweep, []).study() is None
