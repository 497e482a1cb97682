"""How many answers each int8 variant keeps, over several seeds of the quickstart and of extraction.

    python -m benchmarks.int8_seeds --out benchmarks/reports/int8_seeds.md

Trains `--seeds` models of each (about a minute and a half a model on two cores); `--trained FOLDER` takes those that
lie there as `<FOLDER>/tone1`, `<FOLDER>/extraction1` and so on, and keeps new ones there. `--winner FOLDER` adds one
more of tone, e.g. the run that the quickstart exported. Times are of the first seed: variants run in turn in one
process, and the least counts, so that other programs on the machine reach all of them alike.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
import torch

from benchmarks.models import composed
from benchmarks.report import add_out, header, publish, table
from slimtune.export.bundle.variant_report import Timing, VariantReport
from slimtune.export.config import OnnxExport, Variant, parse_export
from slimtune.export.graph_names import MODEL
from slimtune.export.pipeline import export_checkpoint
from slimtune.export.runtime.execution import Execution, open_graph
from slimtune.training.checkpoints.find import find_checkpoint

# the quickstart's winner
MODELS = {
    "tone": ("experiment=tone", "fit.learning_rate=0.00136", "fit.batch_size=8", "method.r=27"),
    "extraction": ("experiment=extraction",),
}
VARIANTS = [Variant.int8_dynamic, Variant.int8_blockwise, Variant.int8_split]
LEAST = 0.99
# threads and rows
TIMED = [(1, 1), (1, 8), (2, 1)]
TOKENS, ROUNDS = 20, 100
UNTIMED = Timing(**dict.fromkeys((item.name for item in fields(Timing)), 0.0))
MEASURE = "slimtune.export.verification.measured_variants.measure"


class Measured(NamedTuple):
    """A model's variants.

    Attributes:
        reports: By variant.
        times: Least ms by variant, of each of `TIMED`; empty of the other seeds.
    """

    reports: Mapping[str, VariantReport]
    times: Sequence[Mapping[str, float]]


def main() -> None:
    """Train what is missing, export, and print a table for each model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trained", type=Path, help="folder of models")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--winner", type=Path, help="folder of the run that a quickstart exported")
    add_out(parser)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    note = (
        f"Answers equal to PyTorch's on the validation rows, by seed; least ms of {ROUNDS} runs in turn of the first "
        f"seed's, rows of {TOKENS} tokens."
    )
    lines = header("int8 variants over seeds", note)
    seeds = range(1, options.seeds + 1)
    with tempfile.TemporaryDirectory() as folder:
        for name in MODELS:
            by_seed = [_exported(name, (options.trained or Path(folder)) / f"{name}{seed}", seed) for seed in seeds]
            lines += ["", f"## {name}", "", *_table([f"seed {seed}" for seed in seeds], by_seed)]
        if options.winner is not None:
            lines += ["", "## the quickstart's winner", "", *_table(["winner"], [_measured("tone", options.winner)])]
    publish(lines, options.out)


def _table(names: Sequence[str], by_seed: Sequence[Measured]) -> list[str]:
    kinds = [f"ms, {rows} row{'s' if rows > 1 else ''}, {threads} thr." for threads, rows in TIMED]
    columns = ("variant", *names, "at least 99 %", "of fp32's MB", *kinds)
    return table(columns, [_row(variant, by_seed) for variant in by_seed[0].reports if variant != "pytorch"])


def _exported(name: str, folder: Path, seed: int) -> Measured:
    if not folder.is_dir():
        # in fp32, which is the same model on every CPU
        more = (f"fit.seed={seed}", "fit.precision=fp32", "tracking=none", f"hydra.run.dir={folder}")
        command = ["-m", "slimtune.sweeper.cli", "train", *MODELS[name], *more]
        subprocess.run([sys.executable, *command], check=True)
    return _measured(name, folder, timed=seed == 1)


def _measured(name: str, folder: Path, *, timed: bool = True) -> Measured:
    with tempfile.TemporaryDirectory() as out, patch(MEASURE, lambda _: UNTIMED):
        found = export_checkpoint(find_checkpoint(str(folder), None), config=_config(name), folder=Path(out) / "x")
        reports = {report.name: report for report in found.reports}
        print(
            folder, *(f"{report.name} {report.agreement:.4f}" for report in found.reports), file=sys.stderr, flush=True
        )
        graphs = {variant: Path(out) / "x" / variant / MODEL for variant in reports if variant != "pytorch"}
        return Measured(reports, [_in_turn(graphs, *kind) for kind in TIMED] if timed else [])


def _in_turn(graphs: Mapping[str, Path], num_threads: int, num_rows: int) -> Mapping[str, float]:
    """Least ms of each; which ids they are does not tell."""
    sessions = {name: open_graph(path, Execution(num_threads=num_threads)) for name, path in graphs.items()}
    feed = {"input_ids": np.full((num_rows, TOKENS), 2000), "attention_mask": np.ones((num_rows, TOKENS), np.int64)}
    least = dict.fromkeys(graphs, float("inf"))
    for _ in range(ROUNDS):
        for name, session in sessions.items():
            # the first one brings its weights into the cache again
            for _ in range(2):
                start = time.perf_counter()
                session.run(None, feed)
                least[name] = min(least[name], 1e3 * (time.perf_counter() - start))
    return least


def _config(name: str) -> OnnxExport:
    config: OnnxExport = parse_export(composed(MODELS[name][0])["export"]).section
    return replace(config, variants=VARIANTS, max_metric_drop=0.5, min_agreement=0.0, keep_sensitive=False)


def _row(variant: str, by_seed: Sequence[Measured]) -> Sequence[str]:
    reports = [one.reports[variant] for one in by_seed]
    return (
        variant,
        *(f"{report.agreement:.2%}" for report in reports),
        f"{sum(report.agreement >= LEAST for report in reports)} of {len(reports)}",
        f"{reports[0].size_mb / by_seed[0].reports['fp32'].size_mb:.3f}",
        *(f"{times[variant]:.2f}" for times in by_seed[0].times),
    )


if __name__ == "__main__":
    main()
