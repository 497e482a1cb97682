"""What each sampler and pruner misses of the best result, on recorded tables of fine-tuning results.

    python -m benchmarks.regret --seeds 5 --runs /tmp/regret.jsonl

Learning rate and rank are searched as logarithms, between the recorded values too, the batch size as a choice and, in
a second space, not at all. Each number is the mean over tables and seeds, in points of the score: the best of the
table less the best trial after so many trials; beside it stands its standard error, the tables being given. Plain
Optuna stands beside, and Ray's ASHA where `ray[tune]` is there. What `--runs` has is not run again. Ten seeds take 20
to 60 minutes of one core, most of them for Gaussian processes.
"""

import argparse
import math
import random
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import mean, variance
from types import SimpleNamespace
from typing import Any, NamedTuple

import optuna

from benchmarks.kept_outcomes import KeptOutcomes, Outcome
from benchmarks.recorded_table import BATCH, RANK, RATE, RecordedTable, recorded_tables
from benchmarks.report import add_out, header, publish, table
from slimtune.sweeper.pruner_config import PrunerConfig, parse_pruner
from slimtune.sweeper.sampler_config import SAMPLERS, DrawnSampler, GridSearch
from slimtune.sweeper.search.choose_sampler import choose_sampler
from slimtune.sweeper.search.named_parts import values_of_file
from slimtune.sweeper.search_config import Rungs
from slimtune.sweeper.space.dimension import Choice, FloatRange, IntRange
from slimtune.sweeper.space.gridded import gridded
from slimtune.sweeper.space.search_space import SearchSpace
from slimtune.sweeper.study import Study, StudySpec
from slimtune.training.config.schema import parse_choice

COUNTS = (25, 50, 100)
OWN_SAMPLERS = ("random", "qmc", "tpe", "gp", "cmaes", "nsga2", "grid", "auto")
OPTUNA_TPE, OPTUNA_GP = "plain Optuna: TPE", "plain Optuna: GP"
SINGLE_SAMPLERS = (*OWN_SAMPLERS[:-1], OPTUNA_TPE, OPTUNA_GP)
OWN_PRUNERS = ("none", "successive_halving", "hyperband", "median", "percentile", "patient")
SPACES = ((True, "learning rate, rank, batch size (a choice)"), (False, "learning rate, rank"))
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


class Search(NamedTuple):
    """One way to search.

    Attributes:
        label: As the report names it.
        settings: What it is, as text, for a budget and a space; of two that are equal one is run.
        run: A search over a table.
    """

    label: str
    settings: Callable[[SearchSpace, int], str]
    run: Callable[[RecordedTable, bool, int, int], Sequence[Ran]]


# by search, space, table and seed
Outcomes = dict[tuple[str, bool, str, int], Outcome]


def main() -> None:
    """Run every search over every table and print what it misses."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=max(COUNTS))
    parser.add_argument("--only", nargs="+", help="parts of labels")
    parser.add_argument("--runs", type=Path, help="file of the runs that are over, to go on where it was stopped")
    add_out(parser)
    options = parser.parse_args()
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    searches = [one for one in _searches() if options.only is None or any(part in one.label for part in options.only)]
    found = _run_all(searches, options.seeds, options.trials, KeptOutcomes(options.runs))
    publish(report(found, searches, options.seeds, options.trials), options.out)


def _run_all(searches: Sequence[Search], seeds: int, trials: int, kept: KeptOutcomes) -> Outcomes:
    """Seed after seed, so that a run that is stopped has whole ones; no two tables have the same one."""
    found: Outcomes = {}
    tables = recorded_tables()
    for seed in range(seeds):
        for has_choice, _ in SPACES:
            for place, recorded in enumerate(tables):
                for search in searches:
                    settings = search.settings(_space(recorded, has_choice), trials)
                    run = partial(_outcome, search, recorded, has_choice, trials, seed * len(tables) + place)
                    key = f"{settings}/{has_choice}/{recorded.task}/{seed}/{trials}"
                    found[search.label, has_choice, recorded.task, seed] = kept.or_run(key, run)
    return found


def _outcome(search: Search, recorded: RecordedTable, has_choice: bool, trials: int, seed: int) -> Outcome:
    ran = search.run(recorded, has_choice, trials, seed)
    best = _best(recorded, has_choice)
    missed = [100 * (best - _best_of(ran[:count])) for count in _counts(trials)]
    return Outcome(missed, sum(trial.examples for trial in ran) / (len(ran) * _longest(recorded)))


def _counts(trials: int) -> Sequence[int]:
    return [count for count in COUNTS if count <= trials]


def report(found: Outcomes, searches: Sequence[Search], seeds: int, trials: int) -> list[str]:
    """The tables in Markdown."""
    recorded = recorded_tables()
    tasks = ", ".join(f"{one.task} ({len(one.curves)} points, best {one.best:.3f})" for one in recorded)
    lines = header(
        "What samplers and pruners miss",
        f"Tables: {tasks}; {seeds} seeds each. Points of the score, mean and standard error.",
    )
    counts = _counts(trials)
    for has_choice, said in SPACES:
        rows = [[one.label, *_cells(found, one.label, has_choice, counts)] for one in searches]
        columns = ("search", *(f"points missed after {count} trials" for count in counts), "share of the training done")
        lines += [f"Searched: {said}.", "", *table(columns, rows)]
    if "auto" not in (one.label for one in searches):
        return lines
    singles = [one.label for one in searches if one.label in SINGLE_SAMPLERS]
    columns = ("searched", "trials", "best of the other samplers", "points that auto misses beyond it")
    rows = [
        [said, count, *_beside_best(found, singles, has_choice, place)]
        for has_choice, said in SPACES
        for place, count in enumerate(counts)
    ]
    return [
        *lines,
        "`auto` beside the best of the samplers that it did not take, ours and plain Optuna's:",
        "",
        *table(columns, rows),
    ]


def _cells(found: Outcomes, label: str, has_choice: bool, counts: Sequence[int]) -> list[str]:
    ran = {key: one for key, one in found.items() if key[:2] == (label, has_choice)}
    missed = [_told({key: one.missed[place] for key, one in ran.items()}) for place in range(len(counts))]
    return [*missed, f"{mean(one.share for one in ran.values()):.2f}"]


def _beside_best(found: Outcomes, singles: Sequence[str], has_choice: bool, place: int) -> list[str]:
    missed = {
        label: {key[1:]: one.missed[place] for key, one in found.items() if key[:2] == (label, has_choice)}
        for label in (*singles, "auto")
    }
    own = missed["auto"]
    others = {label: mean(one.values()) for label, one in missed.items() if one != own}
    best = min(others, key=others.__getitem__, default="auto")
    return [best, _told({("auto", *key): value - missed[best][key] for key, value in own.items()})]


def _told(values: Mapping[tuple[Any, ...], float]) -> str:
    """The mean over tables and seeds, and its standard error over the seeds of each table."""
    by_task: dict[str, list[float]] = {}
    for (_, _, task, _), value in values.items():
        by_task.setdefault(task, []).append(value)
    if any(len(ones) < 2 for ones in by_task.values()):
        return f"{mean(values.values()):.2f}"
    error = math.sqrt(sum(variance(ones) / len(ones) for ones in by_task.values())) / len(by_task)
    return f"{mean(values.values()):.2f} ± {error:.2f}"


def _searches() -> Iterator[Search]:
    for name in OWN_SAMPLERS:
        yield _own_search(name, name, "none")
    for name in OWN_PRUNERS[1:]:
        yield _own_search(f"random, {name}", "random", name)
    for name in ("successive_halving", "hyperband"):
        yield _own_search(f"tpe, {name}", "tpe", name)
    yield _optuna_search(OPTUNA_TPE, lambda seed: optuna.samplers.TPESampler(seed=seed), None)
    yield _optuna_search(OPTUNA_GP, lambda seed: optuna.samplers.GPSampler(seed=seed), None)
    yield _optuna_search(
        "plain Optuna: random, SuccessiveHalvingPruner",
        lambda seed: optuna.samplers.RandomSampler(seed=seed),
        optuna.pruners.SuccessiveHalvingPruner,
    )
    if find_spec("ray") and find_spec("ray.tune"):
        yield Search("Ray Tune: random, ASHA", lambda *_: "Ray Tune: random, ASHA", _asha_search)


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


def _own_search(label: str, sampler: str, pruner: str) -> Search:
    def search(recorded: RecordedTable, has_choice: bool, trials: int, seed: int) -> Sequence[Ran]:
        space = _space(recorded, has_choice)
        chosen = _chosen(sampler, space, trials)
        steps = [step for step, _ in next(iter(recorded.curves.values()))]
        memory: Any = optuna.storages.InMemoryStorage()
        spec = StudySpec(
            name="recorded",
            storage=memory,
            n_trials=trials,
            seed=seed,
            sampler=chosen,
            pruner=_pruner(pruner),
            rungs=Rungs(eval_every=steps[0], longest=steps[-1]),
            stop_hopeless=False,
            space=gridded(space, chosen.points) if isinstance(chosen, GridSearch) else space,
            max_retries=0,
        )
        return _run_study(spec, recorded, trials)

    return Search(label, lambda space, trials: f"{_chosen(sampler, space, trials)}, {pruner}", search)


def _chosen(sampler: str, space: SearchSpace, trials: int) -> DrawnSampler:
    asked = parse_choice(values_of_file("sampler", sampler), SAMPLERS, "search.sampler").section
    return choose_sampler(asked, space, n_trials=trials).sampler


def _pruner(name: str) -> PrunerConfig:
    pruner: PrunerConfig = parse_pruner(values_of_file("pruner", name), "search.pruner").section
    return pruner


def _run_study(spec: StudySpec, recorded: RecordedTable, limit: int) -> Sequence[Ran]:
    study = Study(spec)
    ran: list[Ran] = []
    while len(ran) < limit and (asked := study.ask("the only one")) is not None:
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


def _optuna_search(label: str, sampler: Callable[[int], Any], pruner: Callable[[], Any] | None) -> Search:
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

    return Search(label, lambda *_: label, search)


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
