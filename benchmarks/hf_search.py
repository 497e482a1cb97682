"""`slimtune sweep` beside transformers' `Trainer.hyperparameter_search`: same rows, space, trials and epochs.

    python -m benchmarks.hf_search --seeds 0 1 2 --out benchmarks/reports/hf_search.md

Both search learning rate, LoRA rank and batch size with TPE and successive halving over the same first rung, evaluate
once an epoch, and run one after the other in processes of their own with the same threads. The Trainer's best score is
its best evaluation of all, which flatters it: its own search would report the last one. `--pooler` lets the Trainer's
peft model train BERT's pooler whole, which slimtune does by itself and peft's documentation does not.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.docstrings import make_rows
from benchmarks.report import add_out, header, publish, table
from benchmarks.trainer_peer import (
    BATCH_SIZES,
    MAX_LENGTH,
    RATE,
    Evaluation,
    add_conditions,
    conditions_of,
    make_trainer,
)
from slimtune.training.tracking.environment import usable_cores

REDUCTION_FACTOR, STARTUP_TRIALS = 2, 5
DIGITS = 1e-6


def main() -> None:
    """Run both and print a table."""
    options = _parser().parse_args()
    if options.worker:
        _trainer_search(Path(options.worker), options)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_rows(folder, options)
        pairs = []
        for seed in options.seeds:
            pairs.append((our_search(folder, options, seed), trainer_search(folder, options, seed)))
            publish(_report(pairs, options), options.out)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_search_options(parser, trials=12, epochs=3)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--pooler", action="store_true", help="let the Trainer's LoRA train BERT's pooler whole")
    add_out(parser)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    return parser


def add_search_options(parser: argparse.ArgumentParser, *, trials: int, epochs: int) -> None:
    """What all benchmarks of whole searches can be told."""
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--trials", type=int, default=trials)
    add_conditions(parser, epochs=epochs)
    parser.add_argument("--threads", type=int, default=usable_cores())


RELATIVE_COLUMNS = ("best validation accuracy", "wall seconds", "relative to the first", "complete trials")


def relative_cells(row: dict[str, Any], first_seconds: float) -> tuple[object, ...]:
    """A search beside the first one."""
    seconds = row["seconds"]
    return f"{row['best']:.4f}", f"{seconds:.0f}", f"{seconds / first_seconds:.2f}", row["complete"]


def write_rows(folder: Path, options: argparse.Namespace) -> None:
    """Training and validation files that all read."""
    rows = make_rows(options.rows, options.classes)
    num_train = round(0.85 * len(rows))
    for name, part in (("train", rows[:num_train]), ("validation", rows[num_train:])):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part))


def our_search(
    folder: Path, options: argparse.Namespace, seed: int, more: Sequence[str] = (), work: Path | None = None
) -> dict[str, Any]:
    """A sweep over the rows in `folder`, run in the folder `work`: its wall time and its best trial."""
    work = work or folder
    overrides = [
        "data=file",
        f"data.train_file={folder / 'train.jsonl'}",
        f"data.validation_file={folder / 'validation.jsonl'}",
        "data.test_share=0",
        f"data.cache_dir={folder / 'cache'}",
        f"data.max_length={MAX_LENGTH}",
        f"space.fit.learning_rate={{type: float, low: {RATE[0]}, high: {RATE[1]}, log: true}}",
        f"fit.epochs={options.epochs}",
        f"fit.eval_every={1 / options.evaluations}" if options.evaluations > 1 else "fit.eval_every=null",
        "fit.patience=null",
        f"fit.threads={options.threads}",
        f"fit.precision={options.precision}",
        f"search.n_trials={options.trials}",
        f"search.seed={seed}",
        f"fit.seed={seed}",
        f"search.name=ours-{seed}",
        "search.finalists=1",
        "search.rerun_seeds=0",
        "export=none",
        *more,
    ]
    started = time.time()
    subprocess.run([sys.executable, "-m", "slimtune.sweeper.cli", "sweep", *overrides], cwd=work, check=True)
    seconds = time.time() - started
    command = [sys.executable, "-m", "slimtune.sweeper.cli", "compare", f"ours-{seed}", "--json"]
    listed = subprocess.run(command, cwd=work, check=True, capture_output=True, text=True)
    trials = json.loads(listed.stdout)
    complete = [trial for trial in trials if trial["state"] == "complete"]
    best = max(complete, key=lambda trial: trial["objective"])
    return {
        "name": "slimtune sweep",
        "seconds": seconds,
        "best": best["objective"],
        "params": best["params"],
        "complete": len(complete),
        "trials": len(trials),
        "evaluations": since(started, _tracked(work, f"ours-{seed}")),
    }


def _tracked(work: Path, name: str) -> list[Evaluation]:
    """All that the sweep's runs were told of the validation rows."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{work / 'mlruns' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name(name)
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], max_results=1000)
    histories = (client.get_metric_history(run.info.run_id, "validation/accuracy") for run in runs)
    return [Evaluation(metric.timestamp / 1000, metric.value) for history in histories for metric in history]


def since(started: float, evaluations: Sequence[Sequence[float]]) -> list[Evaluation]:
    """Evaluations in the order of their time, which is counted from the start."""
    return sorted(Evaluation(at - started, accuracy) for at, accuracy in evaluations)


def seconds_until(evaluations: Sequence[Evaluation], accuracy: float) -> float | None:
    """When a score was first reached; None if it was not. A tracked one has six digits."""
    return next((one.at for one in evaluations if one.accuracy >= accuracy - DIGITS), None)


def trainer_search(folder: Path, options: argparse.Namespace, seed: int) -> dict[str, Any]:
    """`Trainer.hyperparameter_search` over the rows in `folder`, in a process of its own."""
    arguments = ["--trials", options.trials, "--epochs", options.epochs, "--threads", options.threads]
    arguments += ["--evaluations", options.evaluations, "--precision", options.precision]
    words = [str(word) for word in (*arguments, "--seeds", seed, "--worker", folder)]
    words += ["--pooler"] if options.pooler else []
    started = time.time()
    subprocess.run([sys.executable, "-m", "benchmarks.hf_search", *words], check=True)
    seconds = time.time() - started
    result: dict[str, Any] = json.loads((folder / "trainer.json").read_text())
    result["evaluations"] = since(started, result["evaluations"])
    name = f"Trainer.hyperparameter_search{' (pooler trained)' if options.pooler else ''}"
    return {"name": name, "seconds": seconds, **result}


def _trainer_search(folder: Path, options: argparse.Namespace) -> None:
    """The peer, as its documentation shows it, with peft's model made anew for each trial."""
    import optuna

    (seed,) = options.seeds
    storage = f"sqlite:///{folder / f'trainer-{seed}.db'}"
    trainer, evaluations = make_trainer(folder, conditions_of(options, seed, options.threads))
    first_rung = len(trainer.train_dataset) // max(BATCH_SIZES) // options.evaluations
    trainer.hyperparameter_search(
        backend="optuna",
        direction="maximize",
        n_trials=options.trials,
        hp_space=lambda trial: {
            "learning_rate": trial.suggest_float("learning_rate", *RATE, log=True),
            "per_device_train_batch_size": trial.suggest_categorical("per_device_train_batch_size", BATCH_SIZES),
        },
        compute_objective=lambda metrics: metrics["eval_accuracy"],
        sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP_TRIALS),
        pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=first_rung, reduction_factor=REDUCTION_FACTOR),
        storage=storage,
        study_name="trainer",
    )
    study = optuna.load_study(study_name="trainer", storage=storage)
    states = [trial.state.name for trial in study.trials]
    result = {
        "best": max(one.accuracy for one in evaluations),
        "params": study.best_params,
        "evaluations": evaluations,
        "complete": states.count("COMPLETE"),
        "trials": len(states),
    }
    (folder / "trainer.json").write_text(json.dumps(result))


def _report(pairs: list[tuple[dict[str, Any], dict[str, Any]]], options: argparse.Namespace) -> list[str]:
    ours, theirs = zip(*pairs, strict=True)
    ratio = median(one["seconds"] / other["seconds"] for one, other in pairs)
    note = (
        f"{options.rows} docstrings of {options.classes} packages, {options.trials} trials of {options.epochs} epochs, "
        f"MiniLM with LoRA on all linear layers, fp32, {options.threads} threads."
    )
    columns = ("seed", "", "best validation accuracy", "wall seconds", "trials (complete)", "best parameters")
    rows = [
        (
            seed,
            row["name"],
            f"{row['best']:.4f}",
            f"{row['seconds']:.0f}",
            f"{row['trials']} ({row['complete']})",
            _params(row["params"]),
        )
        for seed, pair in zip(options.seeds, pairs, strict=False)
        for row in pair
    ]
    return [
        *header("A search beside `Trainer.hyperparameter_search`", note),
        *table(columns, rows),
        f"Median best accuracy {median(row['best'] for row in ours):.4f} and "
        f"{median(row['best'] for row in theirs):.4f}. "
        f"The sweep took {ratio:.2f} of the Trainer's wall time (median of the seeds), with start, MLflow logging and "
        "checkpoints.",
        "",
    ]


def _params(params: dict[str, Any]) -> str:
    return ", ".join(
        f"{key.rpartition('.')[-1]} {value:.2g}" if isinstance(value, float) else f"{key.rpartition('.')[-1]} {value}"
        for key, value in params.items()
    )


if __name__ == "__main__":
    main()
