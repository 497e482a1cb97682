"""All that was measured of a variant."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from slimtune.export.bundle.record import picked


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How fast and how large a model runs, in a process of its own.

    Attributes:
        load_ms: From the file to a session that can run.
        latency_ms: Median time of one row, its tokenization included; of a generative model, of up to 16 new tokens.
        latency_p95_ms: 95th percentile of it.
        batch8_ms: Median time of a batch of 8 rows.
        batch8_p95_ms: 95th percentile of it.
        tokens_per_second: Of such batches, padding not counted; of a generative model, new ones.
        peak_mb: Largest resident memory of the process.
    """

    load_ms: float
    latency_ms: float
    latency_p95_ms: float
    batch8_ms: float
    batch8_p95_ms: float
    tokens_per_second: float
    peak_mb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantReport:
    """One variant beside PyTorch in fp32, on the same rows.

    Attributes:
        name: `pytorch`, `fp32`, or the variant's.
        score: Of the task's metric on the validation rows.
        metric_drop: How much worse that is than PyTorch's; negative if better. Of perplexity, a share of it.
        drop_low: Lower end of the drop's 95 % interval, rows drawn again in pairs.
        drop_high: Upper end.
        agreement: Share of rows with PyTorch's answer, or of next tokens where text is generated; the smaller one of
            batch 1 and of 8.
        num_disagreeing: Rows or tokens behind it.
        max_logit_gap: Largest absolute difference of any score.
        same_text: Share of generated answers that are PyTorch's; None if nothing is generated.
        size_mb: Size of the model's files in 10^6 bytes.
        timing: In a process of its own.
        ran_on: onnxruntime's execution provider; None is PyTorch.
        kept: Layers that are in fp32 for it to pass.
        costs: What each layer costs that is quantized alone, the worst first; empty if it was not asked.
        passed: Whether it is within all limits.
    """

    name: str
    score: float
    metric_drop: float
    drop_low: float
    drop_high: float
    agreement: float
    num_disagreeing: int
    max_logit_gap: float
    same_text: float | None = None
    size_mb: float
    timing: Timing
    ran_on: str | None = None
    kept: Sequence[str] = ()
    costs: Sequence[Mapping[str, Any]] = ()
    passed: bool

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """From plain values.

        Raises:
            TypeError: One is missing.
        """
        return picked(cls, values, timing=picked(Timing, values))

    def as_dict(self) -> dict[str, Any]:
        """Plain values, those of the timing among them."""
        values = asdict(self)
        timing = values.pop("timing")
        return {**values, **timing}
