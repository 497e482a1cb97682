from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from slimtune.sweeper.goals.goals import UNNAMED, goals_of
from slimtune.sweeper.search_config import StopRules
from slimtune.sweeper.study import Lease, Study, TrialRecord, TrialState
from slimtune.sweeper.study.stop_rules import busy_seconds, stop_reason
from slimtune.training.trial import FailureKind
from tests.sweeper.study.test_samplers import SPACE, run, sampler_of, study_of

START = datetime(2026, 1, 1)


def record(number: int, objective: float | None = None, *, begin: float = 0, minutes: float = 1) -> TrialRecord:
    """A complete trial, or without an objective a failed one."""
    return TrialRecord(
        number=number,
        state=TrialState.failed if objective is None else TrialState.complete,
        kind="diverged" if objective is None else None,
        objective=objective,
        params={},
        run_id=None,
        started=START + timedelta(minutes=begin),
        seconds=60 * minutes,
        progress=1.0,
        intermediate={},
        attrs={"message": "loss is nan"} if objective is None else {},
    )


def study_with(rules: StopRules, n_trials: int = 10) -> Study:
    return study_of(sampler_of("random"), SPACE, n_trials=n_trials, stop_rules=rules)


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        (StopRules(), None),
        (StopRules(target={UNNAMED: 0.7}), "trial 1 has 0.7, and search.target is 0.7"),
        (StopRules(target={UNNAMED: 0.71}), None),
        (StopRules(max_trials_without_better=2), "2 trials have ended since the best one, trial 1"),
        (StopRules(max_trials_without_better=3), None),
        (StopRules(max_minutes=4), "trials have run for 4.0 minutes"),
        (StopRules(max_minutes=4.5), None),
        (StopRules(max_failures=1), "1 trial has failed (search.max_failures is 1): trial 3 (diverged): loss is nan"),
        (StopRules(max_failures=2), None),
    ],
)
def test_each_rule_says_why(rules: StopRules, told: str | None) -> None:
    """An equal score is no better one, and a failed trial is one that has ended."""
    trials = [record(0, 0.5), record(1, 0.7, begin=1), record(2, 0.7, begin=2), record(3, begin=3)]
    reason = stop_reason(trials, rules, goals_of([True]))
    assert (reason or "").startswith(told or "") if told else reason is None


def test_what_is_minimized_has_its_target_below() -> None:
    trials = [record(0, 0.5), record(1, 0.3)]
    assert stop_reason(trials, StopRules(target={UNNAMED: 0.4}), goals_of([False])) is not None
    assert stop_reason(trials, StopRules(target={UNNAMED: 0.2}), goals_of([False])) is None


def test_time_in_which_no_trial_ran_does_not_count() -> None:
    """Nor does time count twice in which two ran; a sweep that is resumed on the next day goes on."""
    trials = [record(0, 0.5, minutes=3), record(1, 0.5, begin=1), record(2, 0.5, begin=1440, minutes=2)]
    assert busy_seconds(trials) == 300


def test_a_search_that_is_stopped_has_no_open_places() -> None:
    """A trial under way is waited for; a higher limit goes on from there."""
    study = study_with(StopRules(max_failures=1))
    with Lease(study) as lease:
        first, second = study.ask(lease.worker), study.ask(lease.worker)
        assert first is not None
        assert second is not None
        study.fail(first.number, FailureKind.bug)
        assert study.ask(lease.worker) is None
        assert (study.num_open(), study.num_unfinished()) == (0, 1)
        study.complete(second.number, 0.5)
    assert study.num_unfinished() == 0
    assert study.stop_reason() is not None
    more = Study(replace(study.spec, stop_rules=StopRules(max_failures=2)))
    assert (more.num_open(), more.stop_reason()) == (8, None)


def test_a_search_ends_at_its_target() -> None:
    assert len(run(study_with(StopRules(target={UNNAMED: -1e9})))) == 1
    assert len(run(study_with(StopRules(target={UNNAMED: 1e9}), n_trials=3))) == 3
