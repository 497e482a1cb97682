"""Whether what makes a step faster costs quality: the same trial by each of them, over several seeds.

    python -m benchmarks.quality --out benchmarks/reports/quality.md

The trial is the config's own point on the tone data, without early stopping. Its validation score is that of its best
evaluation.
"""

import argparse
import tempfile
from pathlib import Path
from statistics import mean, stdev

from benchmarks.models import SilentTrial, composed
from benchmarks.report import add_out, header, publish, table
from slimtune.training.engine.engine import GivenTrials
from slimtune.training.trial import Completed
from slimtune.training.worker.run import run_trials

VARIANTS = {
    "fp32, eager attention, alone": [],
    "fp32, SDPA attention": ["model.attention=sdpa"],
    "fp32, all seeds in one pass": ["fit.slots=8"],
    "base in bf16": ["fit.precision=bf16"],
    "base in bf16, all seeds in one pass": ["fit.precision=bf16", "fit.slots=8"],
}
COMMON = ("experiment=tone", "tracking=none", "fit.precision=fp32", "fit.slots=1", "fit.patience=null")


def main() -> None:
    """Train and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--epochs", type=float, default=3)
    add_out(parser)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for number, (label, overrides) in enumerate(VARIANTS.items()):
            given = [*COMMON, f"fit.epochs={options.epochs}", *overrides]
            folder = Path(name) / str(number)
            trials = [
                SilentTrial(composed(*given, f"fit.seed={seed}"), folder / str(seed), number=seed)
                for seed in range(options.seeds)
            ]
            run_trials(GivenTrials(trials))
            rows.append([label, *_cells([_score(trial) for trial in trials])])
    note = f"Tone data, MiniLM with LoRA, {options.epochs:g} epochs, {options.seeds} seeds."
    columns = ("", "validation accuracy, mean", "standard deviation", "by seed")
    publish([*header("Quality of the ways to train faster", note), *table(columns, rows)], options.out)


def _score(trial: SilentTrial) -> float:
    if not isinstance(trial.outcome, Completed):
        raise RuntimeError(f"seed {trial.number}: {trial.outcome}")
    return trial.outcome.scores["objective"]


def _cells(scores: list[float]) -> list[str]:
    return [f"{mean(scores):.4f}", f"{stdev(scores):.4f}", ", ".join(f"{score:.4f}" for score in scores)]


if __name__ == "__main__":
    main()
