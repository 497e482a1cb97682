"""What eight workers that ask, report and tell at once cost each other on each storage; their trials do nothing else.

    python -m benchmarks.many_workers --workers 8 --trials 200

`benchmarks.sweeper_overheads` has it in its report.
"""

import argparse
import multiprocessing
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

from benchmarks.report import add_out, header, publish, table
from benchmarks.storages import places
from slimtune.sweeper.pruner_config import SuccessiveHalving
from slimtune.sweeper.sampler_config import TpeSearch
from slimtune.sweeper.search_config import Rungs
from slimtune.sweeper.space.dimension import Choice, FloatRange, IntRange
from slimtune.sweeper.space.search_space import SearchSpace
from slimtune.sweeper.study import Lease, Study, StudySpec

SPACE = {
    "lr": FloatRange(1e-5, 1e-2, log=True),
    "r": IntRange(1, 64),
    "x": FloatRange(0.0, 1.0),
    "c": Choice(("a", "b")),
}
STEPS = (10, 20, 30)
COLUMNS = ("storage", "trials a second", "ask", "ask, 19 of 20", "report", "tell")


class Calls(NamedTuple):
    """Seconds of each call of one worker, from its first to its last one.

    Attributes:
        ask: Of suggestions.
        report: Of reports, with the pruner's answer.
        tell: Of trials' ends.
        began: When it asked for the first time, as `time.time` has it.
        ended: When its last trial ended.
    """

    ask: list[float]
    report: list[float]
    tell: list[float]
    began: float
    ended: float


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--trials", type=int, default=200)
    add_out(parser)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        found = [*header("Many workers", ""), *lines(places(Path(name)), options.workers, options.trials)]
    publish(found, options.out)


def lines(storages: Iterable[tuple[str, str]], num_workers: int, num_trials: int) -> Iterator[str]:
    """The part of a report."""
    yield (
        f"{num_workers} workers at once, {num_trials} trials that do nothing in all, each suggested, reported of up to "
        "three times and ended; ms, of all of them. As many processes as that share the cores."
    )
    yield ""
    yield from table(COLUMNS, [[kind, *_cells(url, num_workers, num_trials)] for kind, url in storages])


def _cells(url: str, num_workers: int, num_trials: int) -> list[str]:
    spec = spec_of(url, num_trials)
    study = Study(spec)
    with multiprocessing.get_context("spawn").Pool(num_workers) as pool:
        # all have imported what they need
        pool.map(_ready, range(num_workers), chunksize=1)
        found = pool.map(_work, [spec] * num_workers, chunksize=1)
    numbers = Counter(trial.counts for trial in study.trials())
    print(url.partition(":")[0], dict(numbers), [len(one.ask) for one in found], file=sys.stderr, flush=True)
    assert numbers[True] == num_trials, "the budget is exact"
    found = [one for one in found if one.ask]
    seconds = max(one.ended for one in found) - min(one.began for one in found)
    asks, reports, tells = (
        [took for one in found for took in getattr(one, name)] for name in ("ask", "report", "tell")
    )
    times = (median(asks), quantiles(asks, n=20)[-1], median(reports), median(tells))
    return [f"{num_trials / seconds:.1f}", *(f"{1000 * one:.2f}" for one in times)]


def spec_of(url: str, num_trials: int) -> StudySpec:
    """A new study there, as searches are measured with."""
    return StudySpec(
        name=uuid.uuid4().hex,
        storage=url,
        n_trials=num_trials,
        seed=0,
        sampler=TpeSearch(name="tpe", n_startup_trials=10, n_ei_candidates=24, multivariate=True, group=True),
        pruner=SuccessiveHalving(name="successive_halving", min_examples=10, reduction_factor=3),
        rungs=Rungs(eval_every=10, longest=40),
        stop_hopeless=True,
        space=SearchSpace(SPACE),
        max_retries=1,
    )


def _ready(_: int) -> None:
    time.sleep(0.5)


def _work(spec: StudySpec) -> Calls:
    """A worker's loop."""
    study, calls = Study(spec), Calls([], [], [], time.time(), 0.0)
    with Lease(study) as lease:
        while True:
            began = time.perf_counter()
            asked = study.ask(lease.worker)
            if asked is None:
                return calls._replace(ended=time.time())
            calls.ask.append(time.perf_counter() - began)
            _report_and_tell(study, asked.number, float(asked.params["x"] or 0.0), calls)


def _report_and_tell(study: Study, number: int, x: float, calls: Calls) -> None:
    for step in STEPS:
        began = time.perf_counter()
        verdict = study.report(number, step, x * step, step / 40)
        calls.report.append(time.perf_counter() - began)
        if verdict.stop:
            break
    began = time.perf_counter()
    if verdict.stop:
        study.prune(number)
    else:
        study.complete(number, 30.0 * x)
    calls.tell.append(time.perf_counter() - began)


if __name__ == "__main__":
    main()
