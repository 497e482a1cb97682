"""All variants of a trained tone classifier, beside PyTorch in fp32 and bf16 and onnxruntime's dynamic int8 as it is.

    python -m benchmarks.export --out benchmarks/reports/export.md

`--run` takes a checkpoint that is there; without it one is trained first (a minute).
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.models import composed
from benchmarks.report import add_out, header, publish, table
from export.config import OnnxExport, Variant, parse_export
from export.pipeline import Exported, export_checkpoint
from export.session import PREDICT_BATCH_SIZE
from export.timing import Request, Timing, measure
from export.verify import VariantReport, median_texts
from training.checkpoint import read_record, trial_config
from training.checkpoint_source import find_checkpoint
from training.split import load_splits

COLUMNS = (
    *("variant", "accuracy", "drop, 95 %", "same label", "MB", "of fp32", "ms, 1 row", "PyTorch fp32 is slower by"),
    *("ms, 8 rows", "peak MB"),
)


def main() -> None:
    """Train if need be, export, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", help="a checkpoint's or a trial's folder")
    parser.add_argument("--threads", type=int, default=2)
    add_out(parser)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        checkpoint = find_checkpoint(options.run or _trained(folder / "train"), None)
        ours = export_checkpoint(checkpoint, _limits(list(Variant)), folder / "ours", facts={})
        plain = export_checkpoint(
            checkpoint, replace(_limits([Variant.int8_dynamic]), per_channel=False), folder / "plain", facts={}
        )
        half = measure(_request(ours, checkpoint, options.threads))
    (theirs,) = [report for report in plain.reports if report.name == Variant.int8_dynamic.value]
    reports = [*ours.reports, replace(theirs, name="quantize_dynamic as it is")]
    base = {report.name: report for report in reports}
    rows = [_row(report, base["pytorch"].timing, base["fp32"].size_mb) for report in reports]
    rows.insert(1, _half_row(half, base["pytorch"]))
    note = f"MiniLM on the tone data, LoRA; accuracy and labels on the validation rows; {options.threads} threads."
    publish([*header("Variants of an exported model", note), *table(COLUMNS, rows)], options.out)


def _trained(folder: Path) -> str:
    command = ["-m", "sweeper.cli", "train", "experiment=tone", "tracking=none", f"hydra.run.dir={folder}"]
    subprocess.run([sys.executable, *command, "fit.learning_rate=1.4e-3", "fit.batch_size=8"], check=True)
    return str(folder)


def _limits(variants: Sequence[Variant]) -> OnnxExport:
    limits: OnnxExport = parse_export(composed("experiment=tone")["export"]).section
    return replace(limits, variants=list(variants), max_metric_drop=0.5, min_agreement=0.0)


def _request(exported: Exported, checkpoint: Path, threads: int) -> Request:
    assert exported.bundle is not None
    manifest = exported.bundle.manifest
    rows = load_splits(trial_config(read_record(checkpoint), checkpoint)).validation
    return Request(
        model=str(checkpoint),
        tokenizer=str(exported.bundle.folder / "tokenizer.json"),
        max_length=manifest["max_length"],
        pad_id=manifest["pad_id"],
        # those that the variants were timed with
        texts=median_texts([row.given(pairs=False) for row in rows], PREDICT_BATCH_SIZE),
        num_threads=threads,
        dtype="bfloat16",
    )


def _row(report: VariantReport, pytorch: Timing, fp32_mb: float) -> list[str]:
    timing = report.timing
    return [
        report.name,
        f"{report.metric:.4f}",
        f"{report.metric_drop:+.4f} ({report.drop_low:+.3f} to {report.drop_high:+.3f})",
        f"{report.agreement:.2%}",
        f"{report.size_mb:.1f}",
        f"{report.size_mb / fp32_mb:.2f}",
        f"{timing.latency_ms:.2f}",
        f"{pytorch.latency_ms / timing.latency_ms:.1f}",
        f"{timing.batch8_ms:.2f}",
        f"{timing.peak_mb:.0f}",
    ]


def _half_row(half: Timing, pytorch: VariantReport) -> list[str]:
    ratio = f"{pytorch.timing.latency_ms / half.latency_ms:.1f}"
    size = f"{pytorch.size_mb / 2:.1f}"
    return ["pytorch bf16", "", "", "", size, "", f"{half.latency_ms:.2f}", ratio, f"{half.batch8_ms:.2f}", ""]


if __name__ == "__main__":
    main()
