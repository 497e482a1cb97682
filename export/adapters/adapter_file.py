"""`.onnx_adapter` files: what an adapter gives to a graph's LoRA inputs."""

# K input features, N output features, r rank

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from slimtune.export.adapters.source import AdapterSource

SUFFIX = ".onnx_adapter"
VERSION = 1


def parameters_of(source: AdapterSource, transposed: Mapping[str, bool]) -> dict[str, np.ndarray]:
    """The values of a graph's inputs in fp32: A (K, r), B (r, N) with the scale in it, and parameters of its own.

    Args:
        source: The adapter.
        transposed: Whether the graph has a parameter the other way round, as `lora_inputs.Opened` says.
    """
    values: dict[str, np.ndarray] = {}
    for key, tensor in source.updates.items():
        module, side = key.rsplit(".", 2)[:2]
        values[key] = tensor.numpy().T * np.float32(source.scale(module) if side == "lora_B" else 1.0)
    values |= laid_out(source.wholes, transposed)
    return {name: np.ascontiguousarray(value, dtype=np.float32) for name, value in values.items()}


def laid_out(tensors: Mapping[str, torch.Tensor], transposed: Mapping[str, bool]) -> dict[str, np.ndarray]:
    """Parameters as the graph has them."""
    arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
    return {name: np.ascontiguousarray(array.T if transposed[name] else array) for name, array in arrays.items()}


def write_adapter(path: Path, parameters: Mapping[str, np.ndarray]) -> None:
    """Write an `.onnx_adapter` file, which onnxruntime and onnxruntime-genai read."""
    file = onnxruntime.AdapterFormat()
    file.set_adapter_version(VERSION)
    file.set_model_version(VERSION)
    # onnxruntime keeps no copy: the arrays must live until the file is written
    file.set_parameters({name: onnxruntime.OrtValue.ortvalue_from_numpy(value) for name, value in parameters.items()})
    file.export_adapter(str(path))
