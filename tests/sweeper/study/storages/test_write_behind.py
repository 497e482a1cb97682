"""Who waits for a storage, and for what."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slimtune.sweeper.pruner_config import SuccessiveHalving
from slimtune.sweeper.sampler_config import TpeSearch
from slimtune.sweeper.space.dimension import FloatRange
from slimtune.sweeper.space.search_space import SearchSpace
from slimtune.sweeper.study import Study
from slimtune.sweeper.study.storages import writer
from slimtune.sweeper.study.storages.write_behind import WriteBehind, flush
from tests.sweeper.study.specs import spec_of

TPE = TpeSearch(name="tpe", n_startup_trials=3, n_ei_candidates=24, multivariate=True, group=True)
HALVING = SuccessiveHalving(name="successive_halving", min_examples=10, reduction_factor=2)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    space = SearchSpace({"x": FloatRange(0.0, 1.0)})
    spec = spec_of(storage=f"sqlite:///{tmp_path / 's.db'}", n_trials=100, space=space, sampler=TPE, pruner=HALVING)
    return Study(replace(spec, stop_hopeless=True))


@contextmanager
def calls(study: Study) -> Iterator[Counter[str]]:
    """What the calling thread asks of the storage itself."""
    behind, seen = study._study._storage, Counter[str]()
    assert isinstance(behind, WriteBehind)
    inner = behind.inner

    class Counted:
        def __getattr__(self, name: str) -> Any:
            if threading.current_thread() is threading.main_thread():
                seen[name] += 1
            return getattr(inner, name)

    behind.inner = Counted()  # type: ignore[assignment]
    yield seen
    behind.inner = inner


def run(study: Study, count: int) -> None:
    for _ in range(count):
        asked = study.ask("w")
        assert asked is not None
        study.report(asked.number, 10, objective=1.0, progress=0.5)
        study.complete(asked.number, 1.0)


@pytest.mark.parametrize("before", [1, 30])
def test_a_report_reads_and_writes_nothing_itself(study: Study, before: int) -> None:
    run(study, before)
    asked = study.ask("w")
    assert asked is not None
    with calls(study) as seen:
        for step in (10, 20, 30):
            study.report(asked.number, step, objective=1.0, progress=step / 40)
    assert seen == {}


@pytest.mark.parametrize("before", [1, 30])
def test_an_ask_reads_the_trials_once_however_many_there_are(study: Study, before: int) -> None:
    """Unless somebody else has begun one meanwhile, which the new one's number shows."""
    run(study, before)
    with calls(study) as seen:
        study.ask("w")
    assert (seen["get_all_trials"], seen["create_new_trial"]) == (1, 1)
    assert sum(count for name, count in seen.items() if name.startswith("set_")) == 0


def test_what_ends_a_trial_is_written_after_all_before_it(study: Study) -> None:
    asked = study.ask("w")
    assert asked is not None
    for step in range(10, 210, 10):
        study.report(asked.number, step, objective=step, progress=step / 400)
    study.complete(asked.number, 1.0)
    (trial,) = Study(study.spec).trials()
    assert list(trial.intermediate) == list(range(10, 210, 10))
    assert trial.attrs["progress"] == 0.5


def failing(times: int) -> Callable[..., None]:
    real, left = writer.write_together, [times]

    def write(*arguments: Any) -> None:
        if left[0] > 0:
            left[0] -= 1
            raise OSError("the server is away")
        real(*arguments)

    return write


def test_a_storage_that_is_away_for_a_moment_loses_nothing(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = study.ask("w")
    assert asked is not None
    monkeypatch.setattr(writer, "WAITS", (0.0, 0.0))
    monkeypatch.setattr(writer, "write_together", failing(2))
    study.report(asked.number, 10, objective=0.5, progress=0.5)
    flush(study._study)
    assert dict(Study(study.spec).trials()[0].intermediate) == {10: 0.5}


def test_one_that_stays_away_is_told(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = study.ask("w")
    assert asked is not None
    monkeypatch.setattr(writer, "WAITS", (0.0,))
    monkeypatch.setattr(writer, "write_together", failing(9))
    study.report(asked.number, 10, objective=0.5, progress=0.5)
    with pytest.raises(OSError, match="the server is away"):
        flush(study._study)
    with pytest.raises(OSError, match="the server is away"):
        # and again: what comes after would stand there without what came before
        flush(study._study)
