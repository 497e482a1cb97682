"""Pruners over recorded learning curves: what the page says of them holds."""

import json
import random
import re
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import NamedTuple

import pytest

from slimtune.sweeper.pruner_config import PRUNERS
from slimtune.sweeper.study import Lease, Study
from slimtune.sweeper.study.wilcoxon_pruner import PARTS_PREFIX
from tests.sweeper.study.test_pruners import pruner_of, study_with

RECORDED = Path(__file__).with_name("learning_curves.json")
PAGE = Path(__file__).parents[3] / "docs/search.md"
NUM_ORDERS, NUM_WORKERS = 10, 4


class Evaluation(NamedTuple):
    """Attributes:
    step: Training examples.
    value: The objective.
    parts: The objective on parts of the validation rows.
    """

    step: int
    value: float
    parts: Sequence[float]


Curve = Sequence[Evaluation]


class Share(NamedTuple):
    """Attributes:
    stopped: Of the orders in which the best trial was stopped, in percent.
    given_up: The score of the best trial less that of the best one that ran to its end, on average.
    trained: Of the training, in percent.
    """

    stopped: float
    given_up: float
    trained: float


def recorded() -> list[Curve]:
    """Sixteen random points, each trained to its end."""
    trials = json.loads(RECORDED.read_text(encoding="utf-8"))
    return [[Evaluation(*evaluation) for evaluation in trial["curve"]] for trial in trials]


def advance(study: Study, number: int, evaluation: Evaluation, *, is_last: bool) -> bool:
    """Report an evaluation; whether the trial goes on."""
    study.set_trial_attr(number, f"{PARTS_PREFIX}{evaluation.step}", evaluation.parts)
    stops = study.report(number, evaluation.step, evaluation.value, 0.0).stop
    if stops and not is_last:
        study.prune(number)
    return is_last or not stops


def replay(study: Study, curves: Sequence[Curve], num_workers: int) -> list[int]:
    """The evaluations that each trial had, with so many trials under way at once."""
    seen = [0] * len(curves)
    waiting, running = list(range(len(curves))), dict[int, int]()
    with Lease(study) as lease:
        while waiting or running:
            while waiting and len(running) < num_workers:
                asked = study.ask(lease.worker)
                assert asked is not None
                running[waiting.pop(0)] = asked.number
            for index, number in list(running.items()):
                curve, at = curves[index], seen[index]
                seen[index] += 1
                is_last = seen[index] == len(curve)
                if not advance(study, number, curve[at], is_last=is_last):
                    del running[index]
                elif is_last:
                    study.complete(number, max(evaluation.value for evaluation in curve))
                    del running[index]
    return seen


def share_of(name: str, num_workers: int, curves: Sequence[Curve]) -> Share:
    """Over random orders of the trials."""
    best = max(max(evaluation.value for evaluation in curve) for curve in curves)
    pruner, given_up, trained = pruner_of(name), list[float](), 0
    for seed in range(NUM_ORDERS):
        order = random.Random(seed).sample(curves, len(curves))
        first, longest = order[0][0].step, order[0][-1].step
        study = study_with(pruner, n_trials=len(order), longest=longest, every=first)
        seen = replay(study, order, num_workers)
        ended = [curve for curve, at in zip(order, seen, strict=True) if at == len(curve)]
        given_up.append(best - max(evaluation.value for curve in ended for evaluation in curve))
        trained += sum(seen)
    stopped = sum(loss > 0 for loss in given_up)
    return Share(100 * stopped / NUM_ORDERS, mean(given_up), 100 * trained / NUM_ORDERS / sum(map(len, curves)))


def said_of(name: str) -> list[Share]:
    """The page's row: one worker, then four."""
    columns = r"(\d+) % \| ([\d.]+) \| (\d+) %"
    found = re.search(rf"^\| `{name}` \| {columns} \| {columns} \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert found, f"{PAGE} has no row of {name}"
    numbers = [float(number) for number in found.groups()]
    return [Share(*numbers[:3]), Share(*numbers[3:])]


@pytest.mark.parametrize("name", sorted(PRUNERS))
def test_the_best_trial_is_stopped_no_more_often_than_the_page_says(name: str) -> None:
    for num_workers, said in zip((1, NUM_WORKERS), said_of(name), strict=True):
        found = share_of(name, num_workers, recorded())
        assert found.stopped <= said.stopped
        assert round(found.given_up, 4) <= said.given_up
        assert round(found.trained) == said.trained
