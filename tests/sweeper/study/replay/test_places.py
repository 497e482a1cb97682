"""Places of a budget keep their order, whoever tries a trial again, and when."""

from typing import Any

from slimtune.sweeper.study.record import EARLIER, LOST, REPEATED, RETRY_OF, SURPLUS, TrialRecord, TrialState
from slimtune.sweeper.study.replay.places import first_attempt, num_repeated_before, places_before, twins_of


def trial_of(number: int, kind: str | None = None, **attrs: Any) -> TrialRecord:
    state = TrialState.failed if kind else TrialState.running
    return TrialRecord(number, state, kind, None, {}, None, None, None, 0.0, {}, attrs)


def test_a_place_is_that_of_the_first_attempt() -> None:
    again = {EARLIER: [4, 1]}
    assert first_attempt(7, again) == 1
    trials = [trial_of(0), trial_of(1, LOST), trial_of(2), trial_of(4, LOST, earlier=[1]), trial_of(7, **again)]
    assert [trial.number for trial in places_before(3, trials)] == [0, 7, 2]
    assert [trial.number for trial in places_before(1, trials)] == [0]


def test_a_lost_trial_keeps_its_place_before_it_is_tried_again() -> None:
    trials = [trial_of(0), trial_of(1, LOST), trial_of(2)]
    assert [trial.number for trial in places_before(3, trials)] == [0, 1, 2]


def test_who_gave_his_point_back_has_no_place_and_has_drawn_once() -> None:
    trials = [trial_of(0), trial_of(1, REPEATED), trial_of(2, SURPLUS), trial_of(3), trial_of(9, REPEATED)]
    assert [trial.number for trial in places_before(5, trials)] == [0, 3]
    assert num_repeated_before(5, trials) == 1


def test_of_two_that_try_the_same_trial_again_the_first_one_stays() -> None:
    again = {EARLIER: [1], RETRY_OF: 1}
    trials = [trial_of(1, LOST), trial_of(2, **again), trial_of(3), trial_of(4, **again)]
    assert [trial.number for trial in twins_of(trials)] == [4]
    dropped = [*trials[:-1], trial_of(4, SURPLUS, **again)]
    assert [trial.number for trial in places_before(5, dropped)] == [2, 3]
