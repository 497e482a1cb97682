"""What stopping trials early saves, and whether the best score holds: recorded curves, replayed in many orders.

    python -m benchmarks.pruning --curves curves.json --out benchmarks/reports/pruning.md
    python -m benchmarks.pruning --tables

Trials of random points are trained to their end once, with four evaluations an epoch. Their evaluations then go
through our study, with each way of stopping, in random orders of the trials: how much of the training would have been
done, and what the best complete trial would have been. `--curves` keeps what was recorded and takes it from there.
Recording takes three quarters of an hour of one core; `--tables` takes points of the tables that
`benchmarks.record_tables` has made instead.
"""

import argparse
import json
import random
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

import optuna

from benchmarks.hf_search import add_search_options, our_search, write_rows
from benchmarks.recorded_table import recorded_tables
from benchmarks.report import add_out, header, publish, table
from slimtune.sweeper.pruner_config import Hyperband, MedianStopping, NoPruning, PrunerConfig, SuccessiveHalving
from slimtune.sweeper.sampler_config import RandomSearch
from slimtune.sweeper.search_config import Rungs
from slimtune.sweeper.space.dimension import IntRange
from slimtune.sweeper.space.search_space import SearchSpace
from slimtune.sweeper.study import Lease, Study, StudySpec, load_study_trials
from slimtune.training.engine.evaluations.early_stopping import EarlyStopping

EVALUATIONS = 4
Curve = Mapping[int, float]


class Policy(NamedTuple):
    """A way of stopping.

    Attributes:
        pruner: The search's.
        stop_hopeless: `search.stop_hopeless`.
        patience: `fit.patience`, in evaluations.
        every: Only each so many-th evaluation is made.
    """

    pruner: PrunerConfig
    stop_hopeless: bool = False
    patience: int | None = None
    every: int = 1


NONE = NoPruning(name="none")
MEDIAN = MedianStopping(name="median", n_startup_trials=5, n_warmup_examples=0)
HYPERBAND = Hyperband(name="hyperband", min_examples=None, max_examples=None, reduction_factor=3)
POLICIES = {
    "every trial to its end": Policy(NONE),
    "patience of 2 evaluations": Policy(NONE, patience=2),
    "learning curve": Policy(NONE, stop_hopeless=True),
    "median": Policy(MEDIAN),
    "median, learning curve": Policy(MEDIAN, stop_hopeless=True),
    "hyperband": Policy(HYPERBAND),
    "hyperband, learning curve": Policy(HYPERBAND, stop_hopeless=True),
    **{
        f"successive halving by {factor}{when}{curve}": Policy(
            SuccessiveHalving(name="successive_halving", min_examples=None, reduction_factor=factor),
            stop_hopeless=bool(curve),
            every=every,
        )
        for factor in (2, 3)
        for when, every in ((", once an epoch", 4), (", twice an epoch", 2), (", four times an epoch", 1))
        for curve in ("", ", learning curve")
    },
}
# four evaluations in all
TABLE_POLICIES = {
    **{label: policy for label, policy in POLICIES.items() if policy.every == 1 and "halving" not in label},
    **{
        f"successive halving by {factor}{', learning curve' if is_curve else ''}": Policy(
            SuccessiveHalving(name="successive_halving", min_examples=None, reduction_factor=factor),
            stop_hopeless=is_curve,
        )
        for factor in (2, 3)
        for is_curve in (False, True)
    },
}
COLUMNS = (
    "stopped by",
    "share of the training done",
    "score given up (mean)",
    "(worst)",
    "orders that keep the best",
)


class Replayed(NamedTuple):
    """What came of trials in one order.

    Attributes:
        share: Of the training that was done.
        given_up: The best score of all less that of the best complete trial.
    """

    share: float
    given_up: float


def main() -> None:
    """Record curves, unless they are there, and replay them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_search_options(parser, trials=20, epochs=2)
    parser.add_argument("--orders", type=int, default=20)
    parser.add_argument("--curves", type=Path, help="JSON file of recorded curves")
    parser.add_argument("--tables", action="store_true", help="take points of the recorded tables; nothing is trained")
    add_out(parser)
    options = parser.parse_args()
    if options.tables:
        publish(_table_report(options.trials, options.orders), options.out)
        return
    if options.curves and options.curves.is_file():
        curves = _read(options.curves)
    else:
        curves = _record(options)
        if options.curves:
            options.curves.write_text(json.dumps(curves))
    rows = [_row(label, policy, curves, options.orders) for label, policy in POLICIES.items()]
    best = max(max(curve.values()) for curve in curves)
    note = (
        f"{len(curves)} random points of learning rate, rank and batch size; {options.rows} docstrings of "
        f"{options.classes} packages, {options.epochs} epochs, MiniLM with LoRA; best score of all {best:.4f}; "
        f"{options.orders} random orders."
    )
    publish([*header("What stopping early saves", note), *table(COLUMNS, rows)], options.out)


def _record(options: argparse.Namespace) -> list[dict[int, float]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_rows(folder, options)
        given = ["search/pruner=none", "search/sampler=random", f"fit.eval_every={1 / EVALUATIONS}", "tracking=none"]
        our_search(folder, options, 0, given)
        loaded = load_study_trials(f"sqlite:///{folder / 'outputs' / 'ours-0' / 'study.db'}", "ours-0")
        return [dict(trial.intermediate) for trial in loaded.ranked()]


def _read(path: Path) -> list[dict[int, float]]:
    curves: list[dict[str, float]] = json.loads(path.read_text())
    return [{int(step): value for step, value in curve.items()} for curve in curves]


def _table_report(num_trials: int, num_orders: int) -> list[str]:
    """The same over the recorded tables."""
    tables = recorded_tables()
    tasks = ", ".join(one.task for one in tables)
    note = (
        f"{num_trials} random points of learning rate, rank and batch size of each of the recorded tables {tasks}, "
        f"four evaluations each; {num_orders} random choices and orders of each, one trial after the other."
    )
    rows = []
    for label, policy in TABLE_POLICIES.items():
        found = []
        for one in tables:
            for seed in range(num_orders):
                order = [dict(curve) for curve in random.Random(seed).sample(list(one.curves.values()), num_trials)]
                found.append(_replayed(order, policy, order))
        rows.append([label, *_cells(found)])
    return [*header("What stopping early saves", note), *table(COLUMNS, rows)]


def _row(label: str, policy: Policy, curves: Sequence[Curve], num_orders: int) -> list[Any]:
    kept = [{step: curve[step] for step in list(curve)[policy.every - 1 :: policy.every]} for curve in curves]
    orders = [random.Random(seed).sample(kept, len(kept)) for seed in range(num_orders)]
    return [label, *_cells([_replayed(order, policy, curves) for order in orders])]


def _replayed(order: Sequence[Curve], policy: Policy, curves: Sequence[Curve]) -> Replayed:
    """Trials in an order, beside all that was recorded of them."""
    examples, score = _replay(order, policy)
    best = max(max(curve.values()) for curve in curves)
    return Replayed(examples / sum(max(curve) for curve in curves), best - score)


def _cells(found: Sequence[Replayed]) -> list[str]:
    given_up = [one.given_up for one in found]
    held = mean(loss <= 0 for loss in given_up)
    return [f"{mean(one.share for one in found):.2f}", f"{mean(given_up):.4f}", f"{max(given_up):.4f}", f"{held:.0%}"]


def _replay(curves: Sequence[Curve], policy: Policy) -> tuple[int, float]:
    """Examples that would have been trained on, and the best complete trial's score."""
    first = curves[0]
    spec = StudySpec(
        name="replay",
        storage=optuna.storages.InMemoryStorage(),
        n_trials=len(curves),
        seed=0,
        sampler=RandomSearch(name="random"),
        pruner=policy.pruner,
        rungs=Rungs(eval_every=min(first), longest=max(first)),
        stop_hopeless=policy.stop_hopeless,
        space=SearchSpace({"index": IntRange(0, len(curves))}),
        max_retries=0,
    )
    study = Study(spec)
    examples = 0
    with Lease(study) as lease:
        for curve in curves:
            asked = study.ask(lease.worker)
            assert asked is not None
            examples += _run(study, asked.number, curve, policy)
        return examples, study.ranked()[0].objective or 0.0


def _run(study: Study, number: int, curve: Curve, policy: Policy) -> int:
    patience = EarlyStopping(patience=policy.patience, min_improvement=0.0, maximize=True)
    last = max(curve)
    for step, value in curve.items():
        patience.update(value)
        verdict = study.report(number, step, objective=value, progress=step / last)
        if verdict.stop and step < last:
            study.prune(number)
            return step
        if patience.exhausted:
            break
    assert patience.best is not None
    study.complete(number, patience.best)
    return step


if __name__ == "__main__":
    main()
