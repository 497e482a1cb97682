"""All variants of three trained models, beside PyTorch in fp32 and bf16 and onnxruntime's dynamic int8 as it is.

    python -m benchmarks.export --out benchmarks/reports/export.md

A classifier (tone), an extraction model, a causal model (a Llama of 12M weights on Python sources). Those not given
(`--tone`, `--extraction`, `--causal`: folders of checkpoints or trials) are trained first, which takes ten minutes.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.models import composed
from benchmarks.report import add_out, header, publish, table
from slimtune.export.bundle.variant_report import Timing, VariantReport
from slimtune.export.config import OnnxExport, Variant, parse_export
from slimtune.export.genai.bundles import GenaiReport
from slimtune.export.pipeline import export_checkpoint
from slimtune.export.precisions import GenaiPrecision
from slimtune.export.verification.timing import TimingRequest, measure
from slimtune.training.checkpoints.find import find_checkpoint

COLUMNS = (
    *("variant", "metric", "drop, 95 %", "same answer", "MB", "of fp32", "ms, 1 row", "PyTorch fp32 is slower by"),
    *("ms, 8 rows", "peak MB"),
)
GENAI_COLUMNS = ("onnxruntime-genai", "perplexity", "rise", "same answers", "MB", "of fp32", "ms a token", "PyTorch")
# what each model is trained with
MODELS = {
    "tone": ("experiment=tone", "fit.learning_rate=1.4e-3", "fit.batch_size=8"),
    "extraction": ("experiment=extraction",),
    "causal": (
        *(
            "experiment=tiny_base",
            "fit.max_steps=150",
            "model.scratch.hidden_size=384",
            "model.scratch.num_hidden_layers=6",
        ),
        "model.scratch.intermediate_size=1024",
    ),
}
ENCODERS = ("tone", "extraction")


def main() -> None:
    """Train what is missing, export, and print a table for each model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in MODELS:
        parser.add_argument(f"--{name}", help="a checkpoint's or a trial's folder")
    parser.add_argument("--only", choices=MODELS, action="append", help="some of the models")
    parser.add_argument("--threads", type=int, default=2)
    add_out(parser)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    lines = header(
        "Variants of exported models", f"Metrics and answers on the validation rows; {options.threads} threads."
    )
    for name in options.only or MODELS:
        with tempfile.TemporaryDirectory() as folder:
            checkpoint = find_checkpoint(getattr(options, name) or _trained(name, Path(folder) / "train"), None)
            lines += ["", f"## {name}", "", *_compared(name, checkpoint, Path(folder))]
    publish(lines, options.out)


def _trained(name: str, folder: Path) -> str:
    # in fp32, which is the same model on every CPU
    more = ("fit.precision=fp32", "tracking=none", f"hydra.run.dir={folder}")
    command = ["-m", "slimtune.sweeper.cli", "train", *MODELS[name], *more]
    subprocess.run([sys.executable, *command], check=True)
    return str(folder)


def _compared(name: str, checkpoint: Path, folder: Path) -> list[str]:
    config = _config(name)
    requests: list[TimingRequest] = []
    with _noted(requests):
        ours = export_checkpoint(checkpoint, config=config, folder=folder / "ours")
    # the first that is timed is PyTorch
    half = measure(replace(requests[0], dtype="bfloat16"))
    plain = replace(config, variants=[Variant.int8_dynamic], per_channel=False, genai=[])
    theirs = export_checkpoint(checkpoint, config=plain, folder=folder / "plain").reports[-1]
    reports = [*ours.reports, replace(theirs, name="quantize_dynamic as it is")]
    base = {report.name: report for report in reports}
    rows = [_row(report, base["pytorch"].timing, base["fp32"].size_mb) for report in reports]
    rows.insert(1, _half_row(half, base["pytorch"]))
    lines = list(table(COLUMNS, rows))
    if ours.genai:
        lines += ["", *table(GENAI_COLUMNS, [_genai_row(report, ours.genai[0]) for report in ours.genai])]
    return lines


class _noted:
    """The requests for a timing are noted as they are made."""

    def __init__(self, requests: list[TimingRequest]) -> None:
        self._requests = requests

    def __enter__(self) -> None:
        from slimtune.export.verification import measured_variants

        self._measure = measured_variants.measure

        def noting(request: TimingRequest) -> Timing:
            self._requests.append(request)
            return self._measure(request)

        measured_variants.measure = noting

    def __exit__(self, *exc: object) -> None:
        from slimtune.export.verification import measured_variants

        measured_variants.measure = self._measure


def _config(name: str) -> OnnxExport:
    config: OnnxExport = parse_export(composed(MODELS[name][0])["export"]).section
    variants = [one for one in Variant if name in ENCODERS or one is not Variant.int8_static]
    genai = [] if name in ENCODERS else list(GenaiPrecision)
    # the embeddings of a small causal model are a good part of it
    bits = 8 if name in ENCODERS else 4
    open_gate = replace(config, max_metric_drop=0.5, min_agreement=0.0, keep_sensitive=False)
    return replace(open_gate, variants=variants, genai=genai, embedding_bits=bits)


def _row(report: VariantReport, pytorch: Timing, fp32_mb: float) -> list[str]:
    timing = report.timing
    return [
        report.name,
        f"{report.score:.4f}",
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


def _genai_row(report: GenaiReport, fp32: GenaiReport) -> Sequence[str]:
    found = report.checked
    return [
        report.name,
        f"{found.perplexity:.3f}",
        f"{found.perplexity / found.perplexity_pytorch - 1:+.2%}",
        f"{found.answers_equal:.0%}",
        f"{found.size_mb:.1f}",
        f"{found.size_mb / fp32.checked.size_mb:.2f}",
        f"{found.ms_per_token:.2f}",
        f"{found.ms_per_token_pytorch:.2f}",
    ]


if __name__ == "__main__":
    main()
