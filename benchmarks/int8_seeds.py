"""How many answers each int8 variant keeps, over several seeds of the quickstart and of extraction.

    python -m benchmarks.int8_seeds --out benchmarks/reports/int8_seeds.md

Trains `--seeds` models of each (about a minute and a half a model on two cores); `--trained FOLDER` takes those that
lie there as `<FOLDER>/tone1`, `<FOLDER>/extraction1` and so on, and keeps new ones there. Times are of the first seed.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields, replace
from pathlib import Path
from unittest.mock import patch

import torch

from benchmarks.models import composed
from benchmarks.report import add_out, header, publish, table
from slimtune.export.bundle.variant_report import Timing, VariantReport
from slimtune.export.config import OnnxExport, Variant, parse_export
from slimtune.export.pipeline import export_checkpoint
from slimtune.training.checkpoints.find import find_checkpoint

# the quickstart's winner
MODELS = {
    "tone": ("experiment=tone", "fit.learning_rate=0.00136", "fit.batch_size=8", "method.r=27"),
    "extraction": ("experiment=extraction",),
}
VARIANTS = [Variant.int8_dynamic, Variant.int8_blockwise, Variant.int8_split]
LEAST = 0.99
UNTIMED = Timing(**dict.fromkeys((item.name for item in fields(Timing)), 0.0))
MEASURE = "slimtune.export.verification.measured_variants.measure"


def main() -> None:
    """Train what is missing, export, and print a table for each model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trained", type=Path, help="folder of models")
    parser.add_argument("--threads", type=int, default=2)
    add_out(parser)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    note = f"Answers equal to PyTorch's on the validation rows, by seed; times of the first, {options.threads} threads."
    lines = header("int8 variants over seeds", note)
    with tempfile.TemporaryDirectory() as folder:
        for name in MODELS:
            rows = _rows(name, options.trained or Path(folder), options.seeds)
            columns = ("variant", *(f"seed {seed}" for seed in range(1, options.seeds + 1)), "at least 99 %")
            lines += ["", f"## {name}", "", *table((*columns, "of fp32's MB", "ms, 1 row", "ms, 8 rows"), rows)]
    publish(lines, options.out)


def _rows(name: str, folder: Path, num_seeds: int) -> list[Sequence[str]]:
    by_seed = [_exported(name, folder / f"{name}{seed}", seed) for seed in range(1, num_seeds + 1)]
    return [_row(variant, [one[variant] for one in by_seed], by_seed[0]["fp32"]) for variant in by_seed[0]]


def _exported(name: str, folder: Path, seed: int) -> Mapping[str, VariantReport]:
    if not folder.is_dir():
        # in fp32, which is the same model on every CPU
        more = (f"fit.seed={seed}", "fit.precision=fp32", "tracking=none", f"hydra.run.dir={folder}")
        command = ["-m", "slimtune.sweeper.cli", "train", *MODELS[name], *more]
        subprocess.run([sys.executable, *command], check=True)
    untimed: AbstractContextManager[object] = patch(MEASURE, lambda _: UNTIMED)
    with tempfile.TemporaryDirectory() as out, nullcontext() if seed == 1 else untimed:
        found = export_checkpoint(find_checkpoint(str(folder), None), config=_config(name), folder=Path(out) / "x")
    return {report.name: report for report in found.reports}


def _config(name: str) -> OnnxExport:
    config: OnnxExport = parse_export(composed(MODELS[name][0])["export"]).section
    return replace(config, variants=VARIANTS, max_metric_drop=0.5, min_agreement=0.0, keep_sensitive=False)


def _row(name: str, reports: Sequence[VariantReport], fp32: VariantReport) -> Sequence[str]:
    enough = sum(report.agreement >= LEAST for report in reports)
    timing = reports[0].timing
    return (
        name,
        *(f"{report.agreement:.2%}" for report in reports),
        f"{enough} of {len(reports)}",
        f"{reports[0].size_mb / fp32.size_mb:.3f}",
        f"{timing.latency_ms:.2f}",
        f"{timing.batch8_ms:.2f}",
    )


if __name__ == "__main__":
    main()
