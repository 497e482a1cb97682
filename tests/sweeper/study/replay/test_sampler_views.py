"""What TPE sees of a long search."""

import random
import warnings
from typing import Any

import optuna
from optuna.distributions import FloatDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import TPESampler
from optuna.samplers._tpe.sampler import _split_trials
from optuna.trial import FrozenTrial, TrialState, create_trial

from slimtune.sweeper.study.replay.order import ReplayOrder
from slimtune.sweeper.study.replay.sampler_views import MAX_SEEN, BoundedView, SamplerReplayView

STATES = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.PRUNED, TrialState.FAIL)


def study_of(count: int, *, direction: str = "maximize") -> optuna.Study:
    study, rng = optuna.create_study(direction=direction), random.Random(0)
    for index in range(count):
        state, x = rng.choice(STATES), rng.random()
        study.add_trial(
            create_trial(
                state=state,
                value=x if state is TrialState.COMPLETE else None,
                params={"x": x},
                distributions={"x": FloatDistribution(0, 1)},
                intermediate_values={} if index % 7 == 0 else {10 * rng.randint(1, 3): x},
                user_attrs={"kind": "lost"} if index % 50 == 3 else {"index": index},
            )
        )
    return study


def numbers(trials: list[FrozenTrial]) -> list[int]:
    return [trial.number for trial in trials]


def test_of_few_trials_it_sees_all() -> None:
    study = study_of(400)
    assert numbers(BoundedView(study).get_trials()) == numbers(SamplerReplayView(study).get_trials())


def test_of_many_it_takes_the_same_ones_for_good() -> None:
    """Whichever way is better; what it compares them with are the newest ones."""
    for direction in ("maximize", "minimize"):
        study: Any = study_of(1200, direction=direction)
        ended = {"deepcopy": False, "states": (TrialState.COMPLETE, TrialState.PRUNED)}
        every, few = SamplerReplayView(study).get_trials(**ended), BoundedView(study).get_trials(**ended)
        assert len(few) == MAX_SEEN < len(every)
        good, _ = _split_trials(study, every, 25)
        good_of_few, rest = _split_trials(study, few, 25)
        assert numbers(good_of_few) == numbers(good)
        assert numbers(every)[-300:] == numbers(few)[-300:]
        assert len(rest) == MAX_SEEN - 25


def test_groups_are_found_by_one_trial_of_each_kind() -> None:
    """And are the same groups."""
    study = optuna.create_study()
    for index in range(30):
        kinds = {name: FloatDistribution(0, 1) for name in (("a", "b"), ("b", "c"), ("d",), ("a", "b", "d"))[index % 4]}
        study.add_trial(create_trial(value=1.0, params=dict.fromkeys(kinds, 0.5), distributions=kinds))
    groups = []
    for view in (BoundedView(study), BoundedView(study).one_a_kind()):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            sampler = TPESampler(multivariate=True, group=True)
        sampler.infer_relative_search_space(view, study.trials[0])  # type: ignore[arg-type]
        groups.append(sampler._search_space_group.search_spaces)  # type: ignore[union-attr]
    assert groups[0] == groups[1]
    assert len(BoundedView(study).one_a_kind().get_trials()) == 4


def test_the_order_is_kept_while_trials_end() -> None:
    """Lost trials are hidden, and a retry stands in its place; what was noted is what sorting anew gives."""
    trials = study_of(60).get_trials(deepcopy=False)
    order = ReplayOrder()
    for count in range(0, 61, 7):
        trials[count : count + 3] = [_running(trial) for trial in trials[count : count + 3]]
        assert numbers(order.of(trials[:count])) == numbers(ReplayOrder().of(trials[:count]))


def _running(trial: FrozenTrial) -> FrozenTrial:
    trial.state = TrialState.RUNNING
    return trial
