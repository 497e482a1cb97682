"""Sweeps for pages, made without a study."""

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from slimtune.sweeper.goals.goals import Goals
from slimtune.sweeper.report_page.sweep_facts import SweepFacts
from slimtune.sweeper.reporting.sweep_status import SweepState
from slimtune.sweeper.space.dimension import Choice, Dimension, FloatRange, IntRange
from slimtune.sweeper.study import TrialRecord, TrialState

BEGAN = datetime(2026, 3, 1, 12)
STEPS = (400, 800, 1600, 2400)
SPACE: dict[str, Dimension] = {
    "fit.learning_rate": FloatRange(1e-5, 1e-2, log=True),
    "fit.batch_size": Choice((8, 16, 32)),
    "method.r": IntRange(4, 32),
    "fit.schedule": Choice(("linear", "cosine")),
}


def a_trial(number: int, state: TrialState = TrialState.complete, **changes: Any) -> TrialRecord:
    """A trial whose score goes by its learning rate, which is drawn by its number."""
    draw = random.Random(number)
    rate = 10 ** draw.uniform(-5, -2)
    top = 0.9 - 0.12 * abs(-3.2 - _log10(rate)) + draw.gauss(0, 0.01)
    until = {TrialState.pruned: 1 + number % 2, TrialState.running: 2, TrialState.waiting: 0}.get(state, len(STEPS))
    curve = {step: top * (1 - 0.5 * 0.3**at) for at, step in enumerate(STEPS[:until])}
    score = max(curve.values()) if curve else None
    values: dict[str, Any] = {
        "number": number,
        "state": state,
        "kind": "diverged" if state is TrialState.failed else None,
        "objective": score,
        "params": {
            "fit.learning_rate": rate,
            "fit.batch_size": draw.choice((8, 16, 32)),
            "method.r": draw.randint(4, 32),
            "fit.schedule": draw.choice(("linear", "cosine")),
        },
        "run_id": f"{number:032x}",
        "started": BEGAN + timedelta(seconds=60 * number),
        "seconds": 50.0 * max(1, until),
        "progress": until / len(STEPS),
        "intermediate": curve,
        "attrs": {"result": {"validation/accuracy": score}} if score is not None else {},
        "values": (score,) if state is TrialState.complete else (),
    }
    return TrialRecord(**{**values, **changes})


def _log10(value: float) -> float:
    import math

    return math.log10(value)


def some_trials(number: int) -> list[TrialRecord]:
    """Two of five are pruned, one of twenty failed."""
    states = [TrialState.complete, TrialState.pruned, TrialState.complete, TrialState.pruned, TrialState.complete]
    return [a_trial(at, TrialState.failed if at % 20 == 19 else states[at % 5]) for at in range(number)]


def a_rerun(of_trial: int, score: float, *, number: int = 0) -> TrialRecord:
    """One that completed."""
    return a_trial(number, objective=score, values=(score,), params={}, attrs={"of_trial": of_trial})


def a_sweep(trials: list[TrialRecord], *, attrs: Mapping[str, Any] | None = None, **changes: Any) -> SweepFacts:
    """A sweep of these."""
    noted = {"identity": {"task.metric": "accuracy"}, **(attrs or {})}
    facts = SweepFacts(
        name="tone",
        words="tone",
        state=SweepState.running,
        trials=trials,
        attempts=trials,
        reruns=[],
        goals=Goals(),
        attrs=noted,
        dimensions=SPACE,
        budget=len(trials),
    )
    return facts._replace(**changes)


def a_winner(number: int, score: float) -> dict[str, Any]:
    """What a study notes of it."""
    return {"trial": number, "params": {}, "score": score, "checkpoint": "trials/0/checkpoint-1", "run_id": None}
