"""Wall time and best score of a search: ours beside what a user would pick instead.

    python -m benchmarks.search --out benchmarks/reports/search.md

All search the same space over the same rows, with the same trials, epochs and evaluations. Every peer has its best
honest configuration: BERT's pooler trained whole as ours is, TPE after as few random trials, pruning where it has any,
and two processes of one thread where it can run trials side by side, which is the best use of two cores. Ray Tune
takes part where `ray[tune]` is installed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import optuna

from benchmarks.hf_search import (
    REDUCTION_FACTOR,
    RELATIVE_COLUMNS,
    STARTUP_TRIALS,
    add_search_options,
    our_search,
    relative_cells,
    seconds_until,
    since,
    trainer_search,
    write_rows,
)
from benchmarks.report import add_out, header, publish, table
from benchmarks.trainer_peer import BATCH_SIZES, RANKS, RATE, conditions_of, make_trainer, on_evaluate

PROCESSES = 2
RERUNS = ("search.finalists=3", "search.rerun_seeds=2")
PEER = "Trainer.hyperparameter_search"
DOCUMENTED = f"{PEER}, as documented"
UNTIL_COLUMNS = ("seed", "", "seconds until the best score of", "", "whole search of that", "until its own best")
Contestant = Callable[[Path, argparse.Namespace, int], dict[str, Any]]


def main() -> None:
    """Run the contestants one after the other and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_search_options(parser, trials=8, epochs=2)
    contestants = _contestants()
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--only", nargs="+", choices=list(contestants), default=list(contestants))
    add_out(parser)
    options = parser.parse_args()
    options.pooler = True
    results: list[tuple[int, str, dict[str, Any]]] = []
    for seed in options.seeds:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_rows(folder, options)
            for label in options.only:
                started = time.perf_counter()
                result = contestants[label](folder, options, seed)
                results.append((seed, label, {"seconds": time.perf_counter() - started, **result}))
                publish(_report(results, options), options.out)


def _contestants() -> dict[str, Contestant]:
    known: dict[str, Contestant] = {
        "slimtune sweep": our_search,
        "slimtune sweep, with reruns": _our_reruns,
        "slimtune sweep, two workers": _our_workers,
        "slimtune sweep, two workers, with reruns": _our_workers_reruns,
        PEER: trainer_search,
        DOCUMENTED: _documented_search,
        "a process per trial": _process_per_trial,
    }
    if find_spec("ray") is not None:
        known["Ray Tune, ASHA"] = _ray_tune
    return known


def _report(results: list[tuple[int, str, dict[str, Any]]], options: argparse.Namespace) -> list[str]:
    note = (
        f"{options.rows} docstrings of {options.classes} packages, {options.trials} trials of {options.epochs} epochs, "
        f"{options.evaluations} evaluations an epoch, MiniLM with LoRA on all linear layers and its pooler, "
        f"{options.precision}, {options.threads} threads."
    )
    first = options.only[0]
    seconds = {seed: row["seconds"] for seed, label, row in results if label == first}
    rows = [(seed, label, *relative_cells(row, seconds[seed])) for seed, label, row in results]
    medians = []
    for label in options.only:
        own = [(row["best"], row["seconds"] / seconds[seed]) for seed, other, row in results if other == label]
        if own:
            best, ratio = (median(values) for values in zip(*own, strict=True))
            medians.append((label, f"{best:.4f}", f"{ratio:.2f}"))
    return [
        *header("A search, and what a user would pick instead", note),
        *table(("seed", "", *RELATIVE_COLUMNS), rows),
        *table(UNTIL_COLUMNS, list(_until_rows(results))),
        *table(("", "median best accuracy", f"median wall time relative to {first}"), medians),
    ]


def _until_rows(results: list[tuple[int, str, dict[str, Any]]]) -> Iterator[tuple[object, ...]]:
    """When each peer's best score was reached, and how often that goes into the peer's whole time and its own wait."""
    for seed, label, row in results:
        for other, peer_label, peer in results:
            if other != seed or label in (PEER, DOCUMENTED) or peer_label not in (PEER, DOCUMENTED):
                continue
            reached, own = (seconds_until(one["evaluations"], peer["best"]) for one in (row, peer))
            if reached is None or own is None:
                yield seed, label, peer_label, "never", "", ""
            else:
                ratios = (f"{taken / reached:.1f}" for taken in (peer["seconds"], own))
                yield seed, label, peer_label, f"{reached:.0f}", *ratios


def _documented_search(folder: Path, options: argparse.Namespace, seed: int) -> dict[str, Any]:
    """The peer without BERT's pooler trained, as peft's documentation has it; it costs several points here."""
    as_documented = argparse.Namespace(**{**vars(options), "pooler": False})
    return trainer_search(_with_rows(folder, "documented"), as_documented, seed)


def _with_rows(folder: Path, name: str) -> Path:
    """A folder inside with the same rows, for data sets' caches, studies and outputs of its own."""
    own = folder / name
    own.mkdir()
    for part in ("train.jsonl", "validation.jsonl"):
        os.link(folder / part, own / part)
    return own


def _our_reruns(folder: Path, options: argparse.Namespace, seed: int) -> dict[str, Any]:
    """Our sweep as it comes: finalists are rerun with other seeds, which no peer does."""
    work = folder / "reruns"
    work.mkdir()
    return our_search(folder, options, seed, RERUNS, work)


def _our_workers(
    folder: Path, options: argparse.Namespace, seed: int, more: Sequence[str] = (), name: str = "workers"
) -> dict[str, Any]:
    """Our sweep with a worker of one thread on each core."""
    work = folder / name
    work.mkdir()
    threads = max(1, options.threads // PROCESSES)
    workers = ["hydra/launcher=local", f"search.num_workers={PROCESSES}", f"fit.threads={threads}"]
    return our_search(folder, options, seed, [*workers, *more], work)


def _our_workers_reruns(folder: Path, options: argparse.Namespace, seed: int) -> dict[str, Any]:
    return _our_workers(folder, options, seed, RERUNS, "workers_reruns")


def _process_per_trial(folder: Path, options: argparse.Namespace, seed: int) -> dict[str, Any]:
    """Optuna around a Trainer script, as Hydra's Optuna sweeper does it: it hears of a trial when it has ended."""

    def objective(trial: optuna.Trial) -> float:
        out = folder / f"trial-{trial.number}.json"
        outs.append(out)
        own = _with_rows(folder, f"process-{trial.number}")
        words: dict[str, object] = {
            "--learning-rate": trial.suggest_float("learning_rate", *RATE, log=True),
            "--r": trial.suggest_int("r", *RANKS),
            "--batch-size": trial.suggest_categorical("batch_size", BATCH_SIZES),
            "--epochs": options.epochs,
            "--evaluations": options.evaluations,
            "--precision": options.precision,
            "--threads": max(1, options.threads // PROCESSES),
            "--seed": seed,
        }
        flags = [str(word) for pair in words.items() for word in pair]
        command = [sys.executable, "-m", "benchmarks.trainer_peer", str(own), str(out), *flags, "--pooler"]
        subprocess.run(command, check=True)
        return max(float(accuracy) for _, accuracy in json.loads(out.read_text()))

    outs: list[Path] = []
    started = time.time()
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP_TRIALS)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(objective, n_trials=options.trials, n_jobs=min(PROCESSES, options.threads))
    evaluations = since(started, [one for out in outs for one in json.loads(out.read_text())])
    return {"best": study.best_value, "complete": options.trials, "evaluations": evaluations}


def _ray_tune(folder: Path, options: argparse.Namespace, seed: int) -> dict[str, Any]:
    """Ray Tune's ASHA around the Trainer, with its own random suggestions."""
    import ray
    from ray import tune
    from ray.tune.schedulers import ASHAScheduler

    conditions = conditions_of(options, seed, max(1, options.threads // PROCESSES))

    def trainable(params: dict[str, Any]) -> None:
        trainer, evaluations = make_trainer(folder, conditions, params)

        trainer.add_callback(on_evaluate(lambda: tune.report({"accuracy": evaluations[-1].accuracy})))
        trainer.train()

    root = str(Path(__file__).parents[1])
    started = time.time()
    ray.init(num_cpus=PROCESSES, include_dashboard=False, runtime_env={"env_vars": {"PYTHONPATH": root}})
    space = {
        "learning_rate": tune.loguniform(*RATE),
        "r": tune.randint(RANKS[0], RANKS[1] + 1),
        "batch_size": tune.choice(BATCH_SIZES),
    }
    asha = ASHAScheduler(max_t=options.epochs * options.evaluations, grace_period=1, reduction_factor=REDUCTION_FACTOR)
    settings = tune.TuneConfig(metric="accuracy", mode="max", num_samples=options.trials, scheduler=asha)
    resources = tune.with_resources(trainable, {"cpu": 1})
    storage = tune.RunConfig(storage_path=str(folder / "ray"))
    grid = tune.Tuner(resources, param_space=space, tune_config=settings, run_config=storage).fit()
    frames = [result.metrics_dataframe for result in grid]
    told = [one for frame in frames for one in zip(frame["timestamp"], frame["accuracy"], strict=True)]
    evaluations = since(started, told)
    complete = sum(len(result.metrics_dataframe) == options.epochs * options.evaluations for result in grid)
    ray.shutdown()
    return {"best": max(one.accuracy for one in evaluations), "complete": complete, "evaluations": evaluations}


if __name__ == "__main__":
    main()
