"""Tables of fine-tuning results, made once: every point of learning rate x rank x batch size, with its learning curve.

    python -m benchmarks.record_tables --task tone

A search over such a table costs nothing, so that samplers and pruners can be compared over many seeds
(`benchmarks.regret`). Each table is `benchmarks/recorded/<task>.json`: the values of each dimension, and of each point
the validation score at every evaluation, by training examples seen.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from slimtune.sweeper.study import load_study_trials

FOLDER = Path(__file__).parent / "recorded"
DIMENSIONS: Mapping[str, list[float | int]] = {
    "fit.learning_rate": [1e-4, 2.5e-4, 6e-4, 1.5e-3, 4e-3, 1e-2, 2.5e-2, 6e-2],
    "method.r": [2, 8, 32],
    "fit.batch_size": [8, 16, 32],
}
# LoRA on MiniLM throughout; scores are accuracy, F1 of entities and Spearman's correlation
TASKS: Mapping[str, list[str]] = {
    "tone": ["experiment=tone", "method=lora", "fit.epochs=2"],
    "extraction": ["experiment=extraction", "fit.epochs=1"],
    "similarity": ["experiment=similarity", "task.metric=spearman", "method=lora", "fit.epochs=1"],
}
EVALUATIONS = 4


def main() -> None:
    """Train every point of one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=list(TASKS), required=True)
    parser.add_argument("--folder", type=Path, help="where to train; an interrupted run goes on there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        table = record(options.task, options.folder or Path(name))
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{options.task}.json").write_text(_text(table), encoding="utf-8")


def record(task: str, folder: Path) -> dict[str, Any]:
    """One table."""
    folder.mkdir(parents=True, exist_ok=True)
    epochs = next(float(line.partition("=")[2]) for line in TASKS[task] if line.startswith("fit.epochs="))
    swept = [f"{key}=choice({','.join(map(str, values))})" for key, values in DIMENSIONS.items()]
    num_points = len(DIMENSIONS["fit.learning_rate"]) * len(DIMENSIONS["method.r"]) * len(DIMENSIONS["fit.batch_size"])
    given = [
        *TASKS[task],
        *swept,
        "search/sampler=grid",
        "search/pruner=none",
        f"search.name={task}-table",
        f"search.n_trials={num_points}",
        "search.stop_hopeless=false",
        "search.start_from_config=false",
        "search.finalists=1",
        "search.rerun_seeds=0",
        "fit.patience=null",
        # two threads wait for each other where the machine has other work too
        "fit.threads=1",
        f"fit.eval_every={epochs / EVALUATIONS}",
        "tracking=none",
        "export=none",
    ]
    command = [sys.executable, "-m", "slimtune.sweeper.cli", "sweep", *given]
    subprocess.run(command, cwd=folder, check=True)
    name = f"{task}-table"
    loaded = load_study_trials(f"sqlite:///{folder / 'outputs' / name / 'study.db'}", name)
    trials = sorted(loaded.trials, key=lambda trial: list(trial.params.values()))
    steps = list(loaded.ranked()[0].intermediate)
    points = [{"params": dict(trial.params), "curve": _curve(trial.intermediate, steps)} for trial in trials]
    return {"task": task, "dimensions": dict(DIMENSIONS), "points": points}


def _curve(reported: Mapping[int, float], steps: Sequence[int]) -> list[tuple[int, float]]:
    """One that has diverged is worth nothing from there on."""
    return [(step, round(reported.get(step, 0.0), 5)) for step in steps]


def _text(table: Mapping[str, Any]) -> str:
    """One line a point."""
    points = ",\n".join(f"  {json.dumps(point)}" for point in table["points"])
    head = json.dumps({key: value for key, value in table.items() if key != "points"})
    return f'{head[:-1]}, "points": [\n{points}\n]}}\n'


if __name__ == "__main__":
    main()
