"""What is known of a model apart from how it compares with another one."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from slimtune.export.bundle.adapter_folder import AdapterFolder
from slimtune.export.bundle.bundle import Bundle
from slimtune.export.registry.version_facts import Registrable

# of a folder for onnxruntime-genai, which is measured by it
PERPLEXITY = "perplexity"


class ModelFacts(NamedTuple):
    """None is not known.

    Attributes:
        metric: What it was chosen by.
        maximize: Whether more of that is better.
        score: Of its validation rows, by the graph that would be served.
        num_rows: How many these are.
        verified: Whether it is within the limits of its export, beside PyTorch.
        checked: How that was found, in words.
        size_mb: In 10^6 bytes.
        latency_ms: Median time of one row, as the export measured it.
        baselines: Scores of simple models on the same rows, by model and metric.
        best_score: The best value of the metric that a model can have on them.
        leaks: Training rows that are in a held-out split, as the manifest has them.
        fingerprint: sha256 of the rows.
    """

    metric: str | None
    maximize: bool
    score: float | None
    num_rows: int | None
    verified: bool | None
    checked: str
    size_mb: float | None
    latency_ms: float | None
    baselines: Mapping[str, Any] | None
    best_score: float | None
    leaks: Mapping[str, Any] | None
    fingerprint: str | None

    @property
    def best_baseline(self) -> tuple[str, float] | None:
        """The best simple model by the metric, and its score; None if none gives it."""
        found = {name: scores[self.metric] for name, scores in (self.baselines or {}).items() if self.metric in scores}
        if not found:
            return None
        best = (max if self.maximize else min)(found, key=lambda name: found[name])
        return best, float(found[best])


def model_facts(model: Registrable) -> ModelFacts:
    """Of a bundle, a folder for onnxruntime-genai, or a folder of adapters."""
    if isinstance(model, AdapterFolder):
        return _of_adapters(model)
    return _of_bundle(model) if model.manifest.genai is None else _of_genai(model, model.manifest.genai)


def _of_bundle(bundle: Bundle) -> ModelFacts:
    manifest, report = bundle.manifest, bundle.manifest.report
    return ModelFacts(
        metric=manifest.training.metric,
        maximize=manifest.training.direction == "maximize",
        score=report.score,
        num_rows=manifest.verification.num_validation_rows,
        verified=report.passed,
        checked=f"{report.name}: {report.agreement:.2%} of the answers are PyTorch's, "
        f"a drop of {report.metric_drop:z.4g}",
        size_mb=report.size_mb,
        latency_ms=report.timing.latency_ms,
        baselines=manifest.provenance.baselines,
        best_score=manifest.provenance.best_score,
        leaks=manifest.provenance.leaks,
        fingerprint=manifest.training.data_fingerprint,
    )


def _of_genai(bundle: Bundle, measured: Mapping[str, Any]) -> ModelFacts:
    manifest = bundle.manifest
    return ModelFacts(
        metric=PERPLEXITY,
        maximize=False,
        score=float(measured[PERPLEXITY]),
        num_rows=manifest.verification.num_validation_rows,
        verified=bool(measured["passed"]),
        checked=f"{manifest.variant}: perplexity {measured[PERPLEXITY]:.4g}, {measured['perplexity_pytorch']:.4g} in "
        "PyTorch",
        size_mb=float(measured["size_mb"]),
        latency_ms=None,
        baselines=manifest.provenance.baselines,
        # of another metric
        best_score=None,
        leaks=manifest.provenance.leaks,
        fingerprint=manifest.training.data_fingerprint,
    )


def _of_adapters(model: AdapterFolder) -> ModelFacts:
    checks = model.manifest.checks
    least = min((check.agreement for check in checks), default=None)
    return ModelFacts(
        metric=None,
        maximize=True,
        score=None,
        num_rows=None,
        # it is written only if all of them are within the limits
        verified=None if least is None else True,
        checked="" if least is None else f"{len(checks)} checks: at least {least:.2%} of the answers are peft's",
        size_mb=sum(path.stat().st_size for path in model.folder.glob("*.onnx*")) / 1e6,
        latency_ms=None,
        baselines=None,
        best_score=None,
        leaks=None,
        fingerprint=None,
    )
