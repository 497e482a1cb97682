"""The Markdown of the sweep's own run, and the curve beside it."""

from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from slimtune.sweeper.goals.goals import Goals, Objective
from slimtune.sweeper.reporting.description import MOST_CHARS, Described, description
from slimtune.sweeper.reporting.parent_pages import ParentPages, curve_of_best
from slimtune.sweeper.reporting.parent_run import ParentRun
from slimtune.sweeper.study import Study
from slimtune.sweeper.study.record import BUDGET, ENDED_BY, MESSAGE, RESULT, STOPPED, WINNER, TrialRecord, TrialState
from slimtune.training.tracking.mlflow_runs import Tracker
from slimtune.training.tracking.run import NullRun

BEGAN = datetime(2026, 1, 1)
UP = Goals((Objective("accuracy", maximize=True),))


def trial(number: int, state: TrialState, *values: float, why: str = "", seconds: float = 60.0) -> TrialRecord:
    attrs: dict[str, Any] = {MESSAGE: why} if why else {}
    if values:
        attrs[RESULT] = {"objective": values[0], "validation/accuracy": values[0]}
    return TrialRecord(
        number=number,
        state=state,
        kind="diverged" if state is TrialState.failed else None,
        objective=values[0] if values else 0.1,
        params={"fit.learning_rate": 0.001, "method": "lora"},
        run_id=f"run{number}",
        started=BEGAN + timedelta(minutes=number),
        seconds=seconds,
        progress=1.0,
        intermediate={},
        attrs=attrs,
        values=values,
    )


RUN = "#/experiments/7/runs/run"
MODE = "workflowType=machine_learning"


def described(trials: list[TrialRecord], **attrs: Any) -> str:
    content = Described(
        words="'my sweep'",
        metric="accuracy",
        experiment_id="7",
        goals=UP,
        trials=trials,
        attrs={BUDGET: 8, **attrs},
        machine="**Where**: here",
    )
    return description(content)


def test_a_winner_that_may_be_none_says_so() -> None:
    winner = {"trial": 0, "params": {}, "score": 0.75, "doubt": "Within noise: trial 0 and trial 1 tie at 0.7500."}
    lines = described([trial(0, TrialState.complete, 0.75)], **{WINNER: winner}).splitlines()
    assert lines[1].strip() == winner["doubt"]


def test_a_search_under_way_tells_its_best_and_where_time_went() -> None:
    """Links lead to the runs; reasons are counted."""
    reason = "successive_halving at 100 examples"
    text = described(
        [
            trial(0, TrialState.complete, 0.5),
            trial(1, TrialState.complete, 0.75),
            trial(2, TrialState.pruned, why=reason, seconds=30),
            trial(3, TrialState.pruned, why=reason, seconds=30),
            trial(4, TrialState.failed, why="Diverged: loss is not a number\nmore", seconds=60),
        ]
    )
    assert text.startswith(f"**The best so far** is [t01]({RUN}1?{MODE}): accuracy **0.7500**")
    first, second = (text.index(f"| [t0{number}]") for number in (1, 0))
    assert first < second, "the best stands first"
    assert "**Budget**: 5 of 8 trials have ended" in text
    assert "| complete | 2 | 2m 00s | 50 % |" in text
    assert f"**Pruned**: 2 x {reason}" in text
    assert "**Failed**: 1 x Diverged: loss is not a number" in text
    assert "`slimtune status 'my sweep'`" in text
    assert text.rstrip().endswith("**Where**: here")


def test_trials_that_ended_by_themselves_are_told_beside_the_pruned_ones() -> None:
    early = trial(0, TrialState.complete, 0.5)._replace(attrs={ENDED_BY: "fit.patience"})
    text = described([early, early._replace(number=1), trial(2, TrialState.pruned, why="behind")])
    assert "**Before their ends**: 2 ended by fit.patience  \n**Pruned**: 1 x behind" in text


def test_the_winner_is_told_with_its_test_and_its_model() -> None:
    text = described(
        [trial(0, TrialState.complete, 0.5)],
        **{
            WINNER: {"trial": 0, "params": {"fit.learning_rate": 0.001}, "score": 0.4321},
            "test": {"key": "", "result": {"scores": {"accuracy": {"value": 0.4, "low": 0.3, "high": 0.5}}}},
            "registered": {
                "key": "",
                "result": {"name": "my model", "version": "3", "alias": "champion", "reason": "there was no champion"},
            },
            "export": {"key": "", "result": {"bundle": "b", "arguments": "--file rows.jsonl"}},
            STOPPED: "target reached",
        },
    )
    assert f"**The winner** is [t00]({RUN}0?{MODE}): accuracy **0.4321**" in text
    assert "accuracy 0.4000 (0.3000 to 0.5000)" in text
    assert "[my model version 3](#/models/my%20model/versions/3), alias `champion`" in text
    assert "the search ended before: target reached" in text
    assert "`slimtune predict --model 'models:/my model@champion' --file rows.jsonl`" in text


def test_what_an_earlier_winner_came_to_is_not_the_winners() -> None:
    """A sweep that was given more trials may choose another one, which is not tested and registered at once."""
    score = {"accuracy": {"value": 0.4, "low": 0.3, "high": 0.5}}
    of_earlier = {"key": "", "checkpoint": "trials/3/checkpoint"}
    text = described(
        [trial(0, TrialState.complete, 0.5)],
        **{
            WINNER: {"trial": 0, "params": {}, "score": 0.5, "checkpoint": "there/trials/0/checkpoint"},
            "test": {**of_earlier, "result": {"scores": score}},
            "registered": {
                **of_earlier,
                "result": {"name": "m", "version": "3", "alias": "champion", "reason": "there was no champion"},
            },
        },
    )
    assert "**The winner** is [t00]" in text
    assert "Test" not in text
    assert "models:/m" not in text
    assert "version 3" not in text


def test_nothing_of_others_is_markup_and_nothing_is_too_long() -> None:
    """Reasons come from errors, and values from the user's space."""
    bad = trial(0, TrialState.failed, why="<script>alert(1)</script> | a cell ![](http://x) [y](http://z)")
    long = trial(1, TrialState.complete, 0.5)._replace(params={f"key{n}": "v" * 500 for n in range(200)})
    told = described([bad])
    assert "<script>" not in told
    assert "![" not in told
    assert "[y](" not in told
    assert r"\[y\](http://z)" in told
    odd = trial(1, TrialState.complete, 0.5)._replace(params={"a|b": "![x](y)"})
    assert r"a&#124;b = \!\[x\](y)" in described([odd])
    assert r"| \!\[x\](y) |" in described([odd])
    assert len(described([bad, long])) <= MOST_CHARS


def test_before_the_first_trial_has_ended() -> None:
    assert described([]).startswith("No trial has completed yet.")


def test_the_best_so_far_goes_by_the_order_of_ends() -> None:
    """A trial that began first and ended last is counted last; pruned ones move the count alone."""
    slow = trial(0, TrialState.complete, 0.9, seconds=3600)
    trials = [slow, trial(1, TrialState.complete, 0.5), trial(2, TrialState.pruned), trial(3, TrialState.complete, 0.4)]
    assert [(point.step, point.value) for point in curve_of_best(trials, UP)] == [
        (1, 0.5),
        (2, 0.5),
        (3, 0.5),
        (4, 0.9),
    ]
    down = Goals((Objective("loss", maximize=False),))
    assert [point.value for point in curve_of_best(trials, down)] == [0.5, 0.5, 0.4, 0.4]


def test_several_objectives_have_a_curve_each() -> None:
    both = Goals((Objective("accuracy", maximize=True), Objective("seconds", maximize=False)))
    points = curve_of_best([trial(0, TrialState.complete, 0.5, 9.0), trial(1, TrialState.complete, 0.4, 3.0)], both)
    found = {(point.key, point.step): point.value for point in points}
    assert found == {
        ("best_so_far/accuracy", 1): 0.5,
        ("best_so_far/seconds", 1): 9.0,
        ("best_so_far/accuracy", 2): 0.5,
        ("best_so_far/seconds", 2): 3.0,
    }


def test_a_run_that_was_noted_before_the_tracker_had_it_is_linked_once_it_has() -> None:
    """The study keeps what was noted; what the tracker has is looked up once."""
    noted = trial(0, TrialState.complete, 0.9)._replace(run_id="queued-k")
    told: list[str] = []
    asked: list[str] = []

    class Seen:
        def shown(self) -> list[TrialRecord]:
            return [noted]

        def attrs(self) -> dict[str, Any]:
            return {}

    class Run(NullRun):
        run_id = "7"

        def set_tags(self, tags: Any) -> None:
            told.extend(tags.values())

    class Server:
        experiment_id = "7"
        has = False

        def find(self, key: str) -> str | None:
            asked.append(key)
            return "run0" if self.has else None

    server = Server()
    pages = ParentPages(
        ParentRun(Run(), None, cast(Tracker, server)), cast(Study, Seen()), words="mine", metric="accuracy", goals=UP
    )
    pages.write()
    assert RUN not in told[0]
    server.has = True
    pages.write()
    num_asked = len(asked)
    pages.write()
    assert f"{RUN}0" in told[1]
    assert f"{RUN}0" in told[2]
    assert len(asked) == num_asked


def test_a_page_that_cannot_be_written_ends_no_sweep(caplog: pytest.LogCaptureFixture) -> None:
    """A study's storage may be locked for a moment."""

    class Locked:
        def shown(self) -> list[TrialRecord]:
            raise OSError("database is locked")

    class Run(NullRun):
        run_id = "7"

    parent = ParentRun(Run(), None, None)
    pages = ParentPages(parent, cast(Study, Locked()), words="mine", metric="accuracy", goals=UP)
    pages.write()
    assert "the sweep's description was not written (OSError: database is locked)" in caplog.text
