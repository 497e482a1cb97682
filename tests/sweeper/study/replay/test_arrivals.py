"""What is noted of trials that have ended is what looking at all of them anew says."""

import random
from collections.abc import Iterator, Sequence

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from slimtune.sweeper.study.record import INDEX, KIND, LOST
from slimtune.sweeper.study.replay import sampler_views
from slimtune.sweeper.study.replay.arrivals import Arrivals
from slimtune.sweeper.study.replay.order import ReplayOrder, is_broken
from slimtune.sweeper.study.replay.sampler_views import BoundedView, SamplerReplayView, Seen, ValuedView
from slimtune.sweeper.study.replay.view import ReplayView

ENDS = (TrialState.COMPLETE, TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


def grown(rng: random.Random, count: int) -> Iterator[list[FrozenTrial]]:
    """The trials of a study whenever one was begun or has ended: lost ones, their retries, failed ones, and such as
    broke a constraint. Now and then one that another process has begun is not read yet.
    """
    trials: list[FrozenTrial] = []
    while len(trials) < count or any(not trial.state.is_finished() for trial in trials):
        running = [trial for trial in trials if not trial.state.is_finished()]
        if len(trials) < count and (len(running) < 3 or rng.random() < 0.3):
            trials.append(begun(len(trials), rng.randrange(len(trials) + 1)))
        else:
            one = rng.choice(running)
            trials[one.number] = ended(rng, one)
        unread = rng.choice(trials).number if rng.random() < 0.2 else None
        yield [trial for trial in trials if trial.number != unread or trial.state.is_finished()]


def begun(number: int, index: int) -> FrozenTrial:
    trial = create_trial(state=TrialState.RUNNING, user_attrs={INDEX: index})
    trial.number = number
    return trial


def ended(rng: random.Random, trial: FrozenTrial) -> FrozenTrial:
    state, x = rng.choice(ENDS), round(rng.random(), 1)
    is_lost = state is TrialState.FAIL and rng.random() < 0.5
    told = create_trial(
        state=state,
        value=x if state is TrialState.COMPLETE else None,
        params={"x": x},
        distributions={"x": FloatDistribution(0, 1)},
        intermediate_values={10 * rng.randint(1, 3): rng.choice((x, float("nan")))} if rng.random() < 0.8 else {},
        constraints={"size": rng.uniform(-1, 1)} if rng.random() < 0.3 else {},
        user_attrs={**trial.user_attrs, KIND: LOST if is_lost else "bug"},
    )
    told.number = trial.number
    return told


class Fixed:
    """A study as it stands at one moment."""

    def __init__(self, trials: Sequence[FrozenTrial], direction: optuna.study.StudyDirection) -> None:
        self.trials, self.direction, self.directions = trials, direction, [direction]

    def get_trials(self, deepcopy: bool = True) -> list[FrozenTrial]:
        return list(self.trials)


def told(trials: Sequence[FrozenTrial]) -> list[str]:
    return [repr(trial) for trial in trials]


@pytest.mark.parametrize("seed", range(6))
def test_each_ended_trial_arrives_once(seed: int) -> None:
    arrivals, known = Arrivals(), set()
    for trials in grown(random.Random(seed), 40):
        arrived = arrivals.of(trials)
        numbers = {trial.number for trial in arrived.ended}
        assert not numbers & known
        known |= numbers
        assert known == {trial.number for trial in trials if trial.state.is_finished()}
        assert [one.number for one in arrived.others] == [one.number for one in trials if not one.state.is_finished()]


@pytest.mark.parametrize("seed", range(6))
def test_pruners_see_what_looking_anew_shows(seed: int) -> None:
    order = ReplayOrder(hides=is_broken)
    for trials in grown(random.Random(seed), 40):
        every = ReplayView(Fixed(trials, optuna.study.StudyDirection.MAXIMIZE))  # type: ignore[arg-type]
        anew = [one for one in every.get_trials(deepcopy=False) if not (one.state.is_finished() and is_broken(one))]
        assert told(order.of(trials)) == told(anew)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("view", [SamplerReplayView, BoundedView, ValuedView])
def test_samplers_see_what_looking_anew_shows(
    monkeypatch: pytest.MonkeyPatch, view: type[SamplerReplayView], seed: int
) -> None:
    """Of more trials than TPE sees, too, and with those of another sweep."""
    monkeypatch.setattr(sampler_views, "MAX_SEEN", 20)
    monkeypatch.setattr(sampler_views, "MAX_BEST", 6)
    rng = random.Random(seed)
    direction = rng.choice(list(optuna.study.StudyDirection)[1:])
    earlier = [ended(rng, begun(number, 0)) for number in range(-5, 0)]
    seen = Seen(direction, earlier)
    for trials in grown(rng, 40):
        study = Fixed(trials, direction)
        assert told(view(study, seen).get_trials(deepcopy=False)) == told(  # type: ignore[arg-type]
            view(study, Seen(direction, earlier)).get_trials(deepcopy=False)  # type: ignore[arg-type]
        )
