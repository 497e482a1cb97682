"""What a bundle says of itself, in `manifest.json`: one level of plain values, typed here by what they are of."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from slimtune.export.bundle.interface import Interface
from slimtune.export.bundle.record import exactly, picked
from slimtune.export.bundle.variant_report import VariantReport
from slimtune.export.config import Limits

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltFor:
    """The target of a bundle.

    Attributes:
        name: As the config group `export/target` names it.
        provider: onnxruntime's execution provider.
        provider_options: What the provider is given.
        static_batch: Rows of every batch; None leaves them free.
        static_length: Tokens of every row; None leaves them free.
        ran_on: The provider that it was verified on.
        note: What people are told of that; None if it was built for the CPU.
    """

    name: str
    provider: str
    provider_options: Mapping[str, str]
    static_batch: int | None
    static_length: int | None
    ran_on: str
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What the model was trained for, from and on.

    Attributes:
        task: Name of the task.
        metric: Name of the metric that the search went by.
        direction: `maximize` or `minimize`.
        base_model: A folder, package path or hub name.
        base_revision: Of the hub.
        method: Name of the method.
        data: Name of the data.
        data_fingerprint: sha256 of its rows.
        config: The trial's composed config.
    """

    task: str
    metric: str
    direction: str
    base_model: str
    base_revision: str | None
    method: str
    data: str
    data_fingerprint: str
    config: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """How the variants compare with PyTorch.

    Attributes:
        num_validation_rows: Rows that all were measured on.
        validation: `validation/<score>` when the checkpoint was written.
        limits: What a variant may cost.
        objective: What is best of those within the limits.
        variants: PyTorch and every variant.
    """

    num_validation_rows: int
    validation: Mapping[str, float]
    limits: Limits
    objective: str
    variants: Sequence[VariantReport]

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """From a manifest's plain values.

        Raises:
            KeyError, TypeError: A value is missing.
        """
        variants = tuple(VariantReport.parse(item) for item in values["variants"])
        return picked(cls, values, limits=exactly(Limits, values["limits"]), variants=variants)

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "variants": [report.as_dict() for report in self.variants]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a model comes from; None is not known, or not so.

    Attributes:
        source_checkpoint: The checkpoint's folder, as it was named.
        source_run: Id of the trial's run in the tracker.
        parent_run: Id of the run of the sweep that the trial is of.
        sweep: Name of the sweep.
        trial: Number of the trial.
        params: What the sweep chose for it.
        validation_over_seeds: Mean and spread of the trial's metric over its seeds, their number, and what the run of
            them that was exported had, the best one.
        test: Scores on the test rows, read once, with their intervals.
        baselines: Scores of simple models on the validation rows, by model and metric.
        best_score: The best value of the metric that a model can have on the validation rows.
        leaks: Training rows that are in a held-out split (`exact`, which always go) or nearly so (`near`), and whether
            those are `removed`.
        source_format: What wrote a third-party folder.
        source_base: The base that a third-party adapter names.
    """

    source_checkpoint: str | None = None
    source_run: str | None = None
    parent_run: str | None = None
    sweep: str | None = None
    trial: int | None = None
    params: Mapping[str, Any] | None = None
    validation_over_seeds: Mapping[str, Any] | None = None
    test: Mapping[str, Any] | None = None
    baselines: Mapping[str, Any] | None = None
    best_score: float | None = None
    leaks: Mapping[str, Any] | None = None
    source_format: str | None = None
    source_base: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A bundle's manifest.

    Attributes:
        interface: How the model is run.
        training: What it was trained for, from and on.
        verification: How the variants compare with PyTorch.
        provenance: Where it comes from.
        variant: Name of the variant in the bundle, or the precision of a folder for onnxruntime-genai.
        opset: ONNX operator set.
        versions: Of the packages that had a part in it.
        graphs: Inputs and outputs of each graph, with their shapes; a name is a size that may vary.
        target: What it was built for; None for onnxruntime-genai, where the runtime is told.
        genai: How a folder for onnxruntime-genai compares with PyTorch; None for other bundles.
        files: sha256 of each file by name; empty until the bundle is written.
    """

    interface: Interface
    training: Training
    verification: Verification
    provenance: Provenance
    variant: str
    opset: int
    versions: Mapping[str, str]
    graphs: Mapping[str, Any] = field(default_factory=dict)
    target: BuiltFor | None = None
    genai: Mapping[str, Any] | None = None
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def report(self) -> VariantReport:
        """What was measured of the variant in the bundle."""
        return {report.name: report for report in self.verification.variants}[self.variant]

    @property
    def score(self) -> float:
        """Of the task's metric on the validation rows, by the variant in the bundle."""
        return self.report.score

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """From the values of `manifest.json`.

        Raises:
            KeyError, TypeError, ValueError: A value is missing or unknown.
        """
        target = values["target"]
        return picked(
            cls,
            values,
            interface=Interface.parse(values),
            training=picked(Training, values),
            verification=Verification.parse(values),
            provenance=picked(Provenance, values),
            target=None if target is None else exactly(BuiltFor, target),
        )

    def as_dict(self) -> dict[str, Any]:
        """The values of `manifest.json`."""
        known = {name: value for name, value in asdict(self.provenance).items() if value is not None}
        return {
            "format": FORMAT,
            "files": dict(self.files),
            **self.interface.as_dict(),
            **asdict(self.training),
            **self.verification.as_dict(),
            **known,
            "variant": self.variant,
            "opset": self.opset,
            "versions": dict(self.versions),
            "graphs": dict(self.graphs),
            "target": None if self.target is None else asdict(self.target),
            "genai": self.genai,
        }
