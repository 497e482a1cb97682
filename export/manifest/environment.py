"""The packages and the graphs of an export, as its manifest notes them."""

from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import onnx

from slimtune.export.bundle.manifest import BuiltFor
from slimtune.export.config import TargetConfig
from slimtune.export.runtime.execution import Placed
from slimtune.export.variants.build import graphs

MANIFEST_PACKAGES = ("slimtune", "torch", "transformers", "peft", "onnx", "onnxruntime", "tokenizers")


def built_for(target: TargetConfig, where: Placed) -> BuiltFor:
    """What a bundle was built for, and where it was run to be verified."""
    return BuiltFor(**asdict(target), ran_on=where.execution.provider, note=where.note)


def versions() -> dict[str, str]:
    """Of the packages that had a part in it."""
    return {name: version(name) for name in MANIFEST_PACKAGES}


def ports(folder: Path) -> dict[str, Any]:
    """Inputs and outputs of each graph of a folder, with their shapes; a name is a size that may vary."""
    found = {}
    for path in graphs(folder):
        graph = onnx.load(path, load_external_data=False).graph
        found[path.name] = {
            "inputs": {item.name: _shape(item) for item in graph.input},
            "outputs": {item.name: _shape(item) for item in graph.output},
        }
    return found


def _shape(item: onnx.ValueInfoProto) -> list[str | int]:
    return [size.dim_param or int(size.dim_value) for size in item.type.tensor_type.shape.dim]
