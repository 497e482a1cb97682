"""Several launching processes of one sweep."""

import multiprocessing
import os
import signal
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from slimtune.sweeper.study import Study, StudySpec
from slimtune.sweeper.study.liveness import launcher as launchers
from slimtune.sweeper.study.liveness.launcher import Launcher
from slimtune.sweeper.study.loaded import sweep_names
from tests.sweeper.study.specs import make_spec


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launchers, "POLL_SECONDS", 0.01)


def test_the_first_one_leads_and_the_next_one_follows(tmp_path: Path) -> None:
    """A joiner hears of it once it has begun, waits for its end, and leads then."""
    roster = Study(make_spec(tmp_path)).roster
    with Launcher(roster) as first:
        assert first.joined() is None
        with Launcher(roster) as second:
            first.begun()
            assert (second.joined(), second.leads) == (first.name, False)
            told: list[str] = []
            beside: list[str] = []
            waiting = threading.Thread(
                target=second.wait_to_lead, args=(told.append, lambda: beside.append(first.name))
            )
            waiting.start()
            waiting.join(0.05)
            assert waiting.is_alive()
            first.__exit__(None, None, None)
            waiting.join(5)
            assert not waiting.is_alive()
            assert told == [first.name]
            assert beside, "it may take part in what the first one does"
            assert second.lead() is None


def lead_and_die(spec: StudySpec) -> None:
    with Launcher(Study(spec).roster) as own:
        own.begun()
        os.kill(os.getpid(), signal.SIGKILL)


def test_one_that_was_killed_leads_no_more(tmp_path: Path) -> None:
    spec = make_spec(tmp_path)
    roster = Study(spec).roster
    killed = multiprocessing.get_context("spawn").Process(target=lead_and_die, args=(spec,))
    killed.start()
    killed.join()
    with Launcher(roster) as own:
        assert own.joined() is None


def test_who_leads_next_forgets_a_wish_to_stop(tmp_path: Path) -> None:
    """Whoever joins in between keeps it."""
    study = Study(make_spec(tmp_path))
    roster = study.roster
    roster.ask_to_stop("somebody@here", now=False)
    with Launcher(roster) as first, Launcher(roster) as second:
        assert study.is_stopping()
        second.wait_to_lead(lambda _: None, lambda: None)
        first.begun()
        assert not study.is_stopping()


def test_reruns_have_the_same_launching_processes(tmp_path: Path) -> None:
    """And neither is a sweep of its own."""
    spec = make_spec(tmp_path)
    study = Study(spec)
    with Launcher(study.roster) as own:
        reruns = Study(replace(spec, name=f"{spec.name}/reruns"))
        assert reruns.roster.living() == [own.name]
    assert sweep_names(spec.storage) == [spec.name]


def test_a_wish_to_stop_that_comes_while_the_first_one_prepares_is_kept(tmp_path: Path) -> None:
    study = Study(make_spec(tmp_path))
    with Launcher(study.roster) as own:
        assert own.joined() is None
        study.roster.ask_to_stop("somebody@here", now=False)
        own.begun()
        assert study.is_stopping()
