"""A trial is stopped only where its curve leaves no hope."""

import random
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest

from slimtune.sweeper.pruner_config import SuccessiveHalving
from slimtune.sweeper.study import Lease, Study, TrialState
from slimtune.sweeper.study.learning_curve import MAX_STEPS, BestSoFar, Curve, Reach
from slimtune.sweeper.study.record import TrialRecord
from tests.sweeper.study.specs import make_spec


def make_record(curve: dict[int, float], *, complete: bool, maximize: bool = True) -> TrialRecord:
    best = max if maximize else min
    return TrialRecord(
        number=0,
        state=TrialState.complete if complete else TrialState.running,
        kind=None,
        objective=best(curve.values()) if complete else None,
        params={},
        run_id=None,
        started=datetime.now(),
        seconds=None,
        progress=0.0,
        intermediate=curve,
        attrs={},
    )


def reach_of(
    trial: TrialRecord, others: Sequence[TrialRecord], *, progress: float, maximize: bool = True
) -> Reach | None:
    best = BestSoFar(maximize=maximize)
    for other in others:
        best.add(other)
    return best.reach_of(trial, progress=progress)


BEST = make_record({10: 0.5, 20: 0.7, 30: 0.8, 40: 0.82}, complete=True)


@pytest.mark.parametrize(
    ("curve", "most", "hopeless"),
    [
        # two evaluations are left and it gains 0.01 in each; the best one gained 0.12 from here on
        ({10: 0.4, 20: 0.41}, 0.53, True),
        # at the speed of its last evaluation it would get there
        ({10: 0.2, 20: 0.5}, 1.1, False),
        # the last evaluation gained nothing, by chance perhaps; the one before did
        ({5: 0.3, 10: 0.5, 20: 0.5}, 1.1, False),
        # it fell: what it had before is what counts
        ({10: 0.75, 20: 0.3}, 0.87, False),
    ],
)
def test_the_reach_is_the_larger_of_its_own_rise_and_of_theirs(
    curve: dict[int, float], most: float, *, hopeless: bool
) -> None:
    reach = reach_of(make_record(curve, complete=False), [BEST], progress=0.5, maximize=True)
    assert reach is not None
    assert reach == pytest.approx((most, 0.82))
    assert reach.hopeless(maximize=True) is hopeless


def test_what_is_minimized_reaches_down() -> None:
    best = make_record({10: 0.9, 20: 0.5, 40: 0.4}, complete=True, maximize=False)
    reach = reach_of(make_record({10: 1.2, 20: 1.1}, complete=False), [best], progress=0.5, maximize=False)
    assert reach == pytest.approx((0.9, 0.4))
    assert reach.hopeless(maximize=False)


@pytest.mark.parametrize(
    ("curve", "others", "progress"),
    [({10: 0.1}, [BEST], 0.25), ({10: 0.1, 20: 0.1}, [], 0.5), ({10: 0.1, 20: 0.1}, [BEST], 0.0)],
)
def test_without_a_slope_a_rival_or_an_end_nothing_is_said(
    curve: dict[int, float], others: list[TrialRecord], progress: float
) -> None:
    assert reach_of(make_record(curve, complete=False), others, progress=progress, maximize=True) is None


def test_what_is_remembered_of_gains_is_what_all_curves_say() -> None:
    """Whenever it is asked, at more numbers of examples than are remembered."""
    rng = random.Random(0)
    best, added = BestSoFar(maximize=True), []
    for _ in range(MAX_STEPS + 100):
        curve = {step: rng.random() for step in rng.sample(range(1, 400), rng.randint(1, 8))}
        if rng.random() < 0.1:
            curve[max(curve)] = float("nan")
        added.append(make_record(curve, complete=True)._replace(objective=rng.random()))
        best.add(added[-1])
        steps = sorted(rng.sample(range(1, 400), 2))
        asked = make_record({step: rng.random() for step in steps}, complete=False)
        assert best.reach_of(asked, progress=0.5) == by_hand(asked, added)
    assert len(best._gains) <= MAX_STEPS


def by_hand(asked: TrialRecord, others: Sequence[TrialRecord]) -> Reach:
    steps, values = Curve.of(asked.intermediate, 1.0)
    gains = [(values[1] - values[0]) * 2.0]
    for other in others:
        curve = Curve.of(other.intermediate, 1.0)
        reached = [best for step, best in zip(*curve, strict=True) if step <= steps[-1]]
        gains += [curve.best[-1] - reached[-1]] if reached else []
    return Reach(values[-1] + max(gains), max(other.objective or 0.0 for other in others))


@pytest.mark.parametrize("stop_hopeless", [True, False])
def test_a_study_stops_a_hopeless_trial(tmp_path: Path, *, stop_hopeless: bool) -> None:
    """With the reason in numbers; the pruner alone would have let it go on."""
    from dataclasses import replace

    pruner = SuccessiveHalving(name="successive_halving", min_examples=1000, reduction_factor=2)
    study = Study(replace(make_spec(tmp_path), pruner=pruner, stop_hopeless=stop_hopeless))
    with Lease(study) as lease:
        first, second = study.ask(lease.worker), study.ask(lease.worker)
        assert first is not None
        assert second is not None
        for step, objective in BEST.intermediate.items():
            assert not study.report(first.number, step, objective=objective, progress=step / 40).stop
        study.complete(first.number, 0.82)
        assert not study.report(second.number, 10, objective=0.4, progress=0.25).stop
        verdict = study.report(second.number, 20, objective=0.41, progress=0.5)
    told = "at 20 examples it can reach 0.53 at most, and the best is 0.82"
    assert verdict == ((True, told) if stop_hopeless else (False, None))
