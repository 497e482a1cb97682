import pytest

from slimtune.sweeper.goals.goals import UNNAMED
from slimtune.sweeper.search.ending import note_ending
from slimtune.sweeper.search_config import StopRules
from slimtune.sweeper.study.record import STOPPED
from slimtune.training.errors import StoreError
from slimtune.training.trial import FailureKind
from tests.sweeper.study.test_samplers import SPACE, run, sampler_of, study_of


def test_what_ended_a_search_is_noted() -> None:
    """And forgotten when a higher limit has let it go on."""
    study = study_of(sampler_of("random"), SPACE, n_trials=3, stop_rules=StopRules(target={UNNAMED: -1e9}))
    run(study)
    reason = note_ending(study)
    assert reason is not None
    assert "search.target" in reason
    assert study.attrs()[STOPPED] == reason
    more = study_of(sampler_of("random"), SPACE, n_trials=3, storage=study.spec.storage)
    run(more)
    assert note_ending(more) is None
    assert more.attrs()[STOPPED] is None


def test_too_many_failures_are_an_error() -> None:
    """With what the trials said, and what to do."""
    study = study_of(sampler_of("random"), SPACE, stop_rules=StopRules(max_failures=2))

    def end(study, asked) -> None:  # type: ignore[no-untyped-def]
        study.set_trial_attr(asked.number, "message", "no space left on device")
        study.fail(asked.number, FailureKind.bug)

    assert len(run(study, end)) == 2
    with pytest.raises(StoreError, match=r"2 trials have failed .*no space left.*raise search\.max_failures"):
        note_ending(study)


def test_a_search_that_used_its_budget_was_not_stopped() -> None:
    """Though its last trial has reached the target."""
    study = study_of(sampler_of("random"), SPACE, n_trials=1, stop_rules=StopRules(target={UNNAMED: -1e9}))
    run(study)
    assert note_ending(study) is None
