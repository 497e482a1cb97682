"""A variant's folder from the folder of the fp32 graphs."""

from collections.abc import Sequence
from pathlib import Path

import onnx

from slimtune.export.config import TargetConfig, Variant
from slimtune.export.graph_names import BATCH, SEQUENCE
from slimtune.export.variants.quantization_settings import QuantizationSettings
from slimtune.export.variants.quantize import BUILDERS


def build(variant: Variant, source: Path, target: Path, settings: QuantizationSettings) -> None:
    """Write every graph of a folder as a variant.

    Args:
        variant: What to make.
        source: The fp32 graphs.
        target: The folder to write.
        settings: How; the names of `kept` begin with the graph's file, as `named` makes them.
    """
    target.mkdir(exist_ok=True, parents=True)
    for path in graphs(source):
        prefix = named(path, "")
        own = frozenset(name.removeprefix(prefix) for name in settings.kept if name.startswith(prefix))
        BUILDERS[variant](path, target / path.name, settings._replace(kept=own))
        onnx.checker.check_model(str(target / path.name))


def make_static(folder: Path, target: TargetConfig) -> None:
    """Fix the sizes of a folder's graph that the target fixes."""
    from onnxruntime.tools.onnx_model_utils import make_dim_param_fixed

    for path in graphs(folder):
        model = onnx.load(path)
        for name, size in ((BATCH, target.static_batch), (SEQUENCE, target.static_length)):
            if size is not None:
                make_dim_param_fixed(model.graph, name, size)
        onnx.save(model, path)
        onnx.checker.check_model(str(path))


def named(path: Path, node: str) -> str:
    """A node's name among those of several graphs."""
    return f"{path.name}/{node}"


def moved(source: Path, target: Path) -> None:
    """Put the files of a folder into another one, in place of those that are there."""
    for path in source.iterdir():
        path.replace(target / path.name)


def graphs(folder: Path) -> Sequence[Path]:
    """The graphs of a variant."""
    return sorted(folder.glob("*.onnx"))
