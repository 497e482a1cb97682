"""What each sampler and pruner misses of the best result, on recorded tables of fine-tuning results.

    python -m benchmarks.regret --seeds 10

Learning rate and rank are searched as logarithms, between the recorded values too, the batch size as a choice and, in
a second space, not at all. Each number is the mean over tables and seeds, in points of the score: the best of the
table less the best trial after so many trials. Plain Optuna stands beside, and Ray's ASHA where `ray[tune]` is there.
"""

import argparse
import random
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from statistics import mean
from types import SimpleNamespace
from typing import Any, NamedTuple

import optuna

from benchmarks.recorded_table import BATCH, RANK, RATE, RecordedTable, recorded_tables
from benchmarks.report import add_out, header, publish, table
from slimtune.sweeper.pruner_config import PrunerConfig, parse_pruner
from slimtune.sweeper.sampler_config import SAMPLERS, GridSearch
from slimtune.sweeper.search.choose_sampler import choose_sampler
from slimtune.sweeper.search.named_parts import values_of_file
from slimtune.sweeper.search_config import Rungs
from slimtune.sweeper.space.dimension import Choice, FloatRange, IntRange
from slimtune.sweeper.space.gridded import gridded
from slimtune.sweeper.space.search_space import SearchSpace
from slimtune.sweeper.study import Lease, Study, StudySpec
from slimtune.training.config.schema import parse_choice

COUNTS = (25, 50, 100)
OWN_SAMPLERS = ("random", "qmc", "tpe", "gp", "cmaes", "nsga2", "grid", "auto")
OWN_PRUNERS = ("none", "successive_halving", "hyperband", "median", "percentile", "patient")
# of the space without a choice
FIXED_BATCH = 16


class Ran(NamedTuple):
    """A trial that is over.

    Attributes:
        examples: Training examples that it took.
        score: Its best score; None for a pruned one.
    """

    examples: int
    score: float | None


Search = Callable[[RecordedTable, bool, int, int], Sequence[Ran]]


def main() -> None:
    """Run every search over every table and print what it misses."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--trials", type=int, default=max(COUNTS))
    parser.add_argument("--only", nargs="+", help="parts of labels")
    add_out(parser)
    options = parser.parse_args()
    publish(report(options.seeds, options.trials, options.only), options.out)


def report(seeds: int, trials: int, only: Sequence[str] | None = None) -> list[str]:
    """The tables in Markdown."""
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    recorded = recorded_tables()
    tasks = ", ".join(f"{one.task} ({len(one.curves)} points, best {one.best:.3f})" for one in recorded)
    lines = header("What samplers and pruners miss", f"Tables: {tasks}; {seeds} seeds each.")
    for has_choice, said in ((True, "learning rate, rank, batch size (a choice)"), (False, "learning rate, rank")):
        rows = [
            [label, *_missed(search, recorded, has_choice, seeds, trials)]
            for label, search in _searches()
            if only is None or any(part in label for part in only)
        ]
        counts = [count for count in COUNTS if count <= trials]
        columns = ("search", *(f"points missed after {count} trials" for count in counts), "share of the training done")
        lines += [f"Searched: {said}.", "", *table(columns, rows)]
    return lines


def _searches() -> Iterator[tuple[str, Search]]:
    for name in OWN_SAMPLERS:
        yield f"{name}", _own_search(name, "none")
    for name in OWN_PRUNERS[1:]:
        yield f"random, {name}", _own_search("random", name)
    for name in ("successive_halving", "hyperband"):
        yield f"tpe, {name}", _own_search("tpe", name)
    yield "plain Optuna: TPE", _optuna_search(lambda seed: optuna.samplers.TPESampler(seed=seed), None)
    yield "plain Optuna: GP", _optuna_search(lambda seed: optuna.samplers.GPSampler(seed=seed), None)
    yield (
        "plain Optuna: random, SuccessiveHalvingPruner",
        _optuna_search(lambda seed: optuna.samplers.RandomSampler(seed=seed), optuna.pruners.SuccessiveHalvingPruner),
    )
    if find_spec("ray") and find_spec("ray.tune"):
        yield "Ray Tune: random, ASHA", _asha_search


def _missed(
    search: Search, recorded: Sequence[RecordedTable], has_choice: bool, seeds: int, trials: int
) -> Sequence[str]:
    runs = [(one, search(one, has_choice, trials, seed)) for one in recorded for seed in range(seeds)]
    cells = [
        f"{100 * mean(_best(one, has_choice) - _best_of(ran[:count]) for one, ran in runs):.2f}"
        for count in COUNTS
        if count <= trials
    ]
    shares = [sum(trial.examples for trial in ran) / (len(ran) * _longest(one)) for one, ran in runs]
    return [*cells, f"{mean(shares):.2f}"]


def _best(recorded: RecordedTable, has_choice: bool) -> float:
    """The best that the space holds."""
    curves = [curve for (_, _, batch), curve in recorded.curves.items() if has_choice or batch == FIXED_BATCH]
    return max(score for curve in curves for _, score in curve)


def _best_of(ran: Sequence[Ran]) -> float:
    return max((trial.score for trial in ran if trial.score is not None), default=0.0)


def _longest(recorded: RecordedTable) -> int:
    return max(step for curve in recorded.curves.values() for step, _ in curve)


def _space(recorded: RecordedTable, has_choice: bool) -> SearchSpace:
    numbers = {
        RATE: FloatRange(recorded.rates[0], recorded.rates[-1], log=True),
        RANK: IntRange(recorded.ranks[0], recorded.ranks[-1], log=True),
    }
    return SearchSpace({**numbers, BATCH: Choice(tuple(recorded.batches))} if has_choice else numbers)


def _curve(recorded: RecordedTable, params: Mapping[str, Any]) -> Sequence[tuple[int, float]]:
    return recorded.curve({BATCH: FIXED_BATCH, **params})


def _own_search(sampler: str, pruner: str) -> Search:
    def search(recorded: RecordedTable, has_choice: bool, trials: int, seed: int) -> Sequence[Ran]:
        space = _space(recorded, has_choice)
        asked = parse_choice(values_of_file("sampler", sampler), SAMPLERS, "search.sampler").section
        chosen = choose_sampler(asked, space, n_trials=trials).sampler
        searched = gridded(space, chosen.points) if isinstance(chosen, GridSearch) else space
        steps = [step for step, _ in next(iter(recorded.curves.values()))]
        spec = StudySpec(
            name="recorded",
            storage="sqlite:///:memory:",
            maximize=True,
            n_trials=trials,
            seed=seed,
            sampler=chosen,
            pruner=_pruner(pruner),
            rungs=Rungs(eval_every=steps[0], longest=steps[-1]),
            stop_hopeless=False,
            space=searched,
            max_retries=0,
        )
        return _run_study(spec, recorded)

    return search


def _pruner(name: str) -> PrunerConfig:
    pruner: PrunerConfig = parse_pruner(values_of_file("pruner", name), "search.pruner").section
    return pruner


def _run_study(spec: StudySpec, recorded: RecordedTable) -> Sequence[Ran]:
    study, ran = Study(spec), []
    with Lease(study) as lease:
        while (asked := study.ask(lease.worker)) is not None:
            ran.append(_run_trial(study, asked.number, _curve(recorded, asked.params)))
    return ran


def _run_trial(study: Study, number: int, curve: Sequence[tuple[int, float]]) -> Ran:
    for step, score in curve:
        verdict = study.report(number, step, objective=score, progress=step / curve[-1][0])
        if verdict.stop and step < curve[-1][0]:
            study.prune(number)
            return Ran(step, None)
    best = max(score for _, score in curve)
    study.complete(number, best)
    return Ran(curve[-1][0], best)


def _optuna_search(sampler: Callable[[int], Any], pruner: Callable[[], Any] | None) -> Search:
    def search(recorded: RecordedTable, has_choice: bool, trials: int, seed: int) -> Sequence[Ran]:
        ran: list[Ran] = []
        rungs = {step: rung for rung, (step, _) in enumerate(next(iter(recorded.curves.values())))}

        def objective(trial: optuna.Trial) -> float:
            params = {
                RATE: trial.suggest_float(RATE, recorded.rates[0], recorded.rates[-1], log=True),
                RANK: trial.suggest_int(RANK, int(recorded.ranks[0]), int(recorded.ranks[-1]), log=True),
            }
            if has_choice:
                params[BATCH] = trial.suggest_categorical(BATCH, list(recorded.batches))
            curve = _curve(recorded, params)
            for step, score in curve:
                # its pruner counts steps, and its first rung is step 1
                trial.report(score, rungs.get(step, len(rungs) - 1) + 1)
                if trial.should_prune() and step < curve[-1][0]:
                    ran.append(Ran(step, None))
                    raise optuna.TrialPruned
            ran.append(Ran(curve[-1][0], max(score for _, score in curve)))
            return ran[-1].score or 0.0

        stopping = optuna.pruners.NopPruner() if pruner is None else pruner()
        study = optuna.create_study(direction="maximize", sampler=sampler(seed), pruner=stopping)
        study.optimize(objective, n_trials=trials)
        return ran

    return search


def _asha_search(recorded: RecordedTable, has_choice: bool, trials: int, seed: int) -> Sequence[Ran]:
    """Ray's scheduler itself, asked as its loop asks it, one trial after the other."""
    from ray.tune.schedulers import ASHAScheduler, TrialScheduler

    draw, ran = random.Random(seed), []
    last = len(next(iter(recorded.curves.values())))
    scheduler = ASHAScheduler(
        time_attr="rung", metric="score", mode="max", max_t=last, grace_period=1, reduction_factor=2
    )
    for number in range(trials):
        trial: Any = SimpleNamespace(trial_id=str(number))
        scheduler.on_trial_add(None, trial)
        params = {
            RATE: recorded.rates[0] * (recorded.rates[-1] / recorded.rates[0]) ** draw.random(),
            RANK: round(recorded.ranks[0] * (recorded.ranks[-1] / recorded.ranks[0]) ** draw.random()),
        }
        if has_choice:
            params[BATCH] = draw.choice(recorded.batches)
        curve = _curve(recorded, params)
        for rung, (step, score) in enumerate(curve, start=1):
            result = {"rung": rung, "score": score}
            if rung == last:
                scheduler.on_trial_complete(None, trial, result)
                ran.append(Ran(step, max(value for _, value in curve)))
            elif scheduler.on_trial_result(None, trial, result) == TrialScheduler.STOP:
                ran.append(Ran(step, None))
                break
    return ran


if __name__ == "__main__":
    main()
