"""What a folder of one base and its adapters says of itself."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple, Self

from slimtune.export.bundle.interface import Interface
from slimtune.export.bundle.manifest import FORMAT
from slimtune.export.bundle.record import exactly, picked


class AdapterCheck(NamedTuple):
    """One adapter on one graph, beside peft in PyTorch.

    Attributes:
        name: The adapter's, or `base`.
        graph: `fp32`, or what the base was quantized to.
        num_rows: Rows that were compared.
        max_gap: Largest absolute difference of any score from PyTorch's in fp32.
        relative_gap: The same as a share of PyTorch's largest score.
        agreement: Share of rows with PyTorch's labels, or of tokens with its next token.
    """

    name: str
    graph: str
    num_rows: int
    max_gap: float
    relative_gap: float
    agreement: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterEntry:
    """One adapter of the folder.

    Attributes:
        interface: How the base is run with it.
        ranks: The ranks that it has, each once.
        modules: Modules that it updates.
        own_parameters: Parameters that are its own instead of the base's.
        source: The folder that it was read from.
        task: What slimtune trained it for; None if it did not.
        validation: `validation/<score>` when its checkpoint was written.
    """

    interface: Interface
    ranks: Sequence[int]
    modules: Sequence[str]
    own_parameters: Sequence[str]
    source: str
    task: str | None = None
    validation: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """From plain values.

        Raises:
            KeyError, TypeError, ValueError: A value is missing or unknown.
        """
        return picked(cls, values, interface=Interface.parse(values))

    def as_dict(self) -> dict[str, Any]:
        """Plain values, those of the interface among them."""
        values = asdict(self)
        del values["interface"]
        return {**self.interface.as_dict(), **values}


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptersManifest:
    """The manifest of a folder of adapters.

    Attributes:
        base: How the base is run alone; of a classifier whose head the base lacks, without labels.
        adapters: By name.
        checks: The base alone and each adapter, on each graph.
        base_model: A folder, package path or hub name.
        base_revision: Of the hub.
        precision: Of the base's weights.
        opset: ONNX operator set.
        versions: Of the packages that had a part in it.
        files: sha256 of each file by name; empty until the folder is written.
    """

    base: Interface
    adapters: Mapping[str, AdapterEntry]
    checks: Sequence[AdapterCheck]
    base_model: str
    base_revision: str | None
    precision: str
    opset: int
    versions: Mapping[str, str]
    files: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """From the values of `manifest.json`.

        Raises:
            KeyError, TypeError, ValueError: A value is missing or unknown.
        """
        return picked(
            cls,
            values,
            base=Interface.parse(values["base"]),
            adapters={name: AdapterEntry.parse(entry) for name, entry in dict(values["adapters"]).items()},
            checks=tuple(exactly(AdapterCheck, check) for check in values["checks"]),
        )

    def as_dict(self) -> dict[str, Any]:
        """The values of `manifest.json`."""
        return {
            "format": FORMAT,
            "files": dict(self.files),
            "base_model": self.base_model,
            "base_revision": self.base_revision,
            "precision": self.precision,
            "opset": self.opset,
            "base": self.base.as_dict(),
            "adapters": {name: entry.as_dict() for name, entry in self.adapters.items()},
            "checks": [check._asdict() for check in self.checks],
            "versions": dict(self.versions),
        }
