"""Which weights a model has, so that others in their place are noticed."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors import safe_open

from slimtune.training.config.model import ModelConfig
from slimtune.training.models.place import folder_on_disk


def weights_fingerprint(config: ModelConfig) -> str | None:
    """sha256 of name, type, shape and one row of each tensor; how they are divided into files makes no difference.

    To read all of a large model would take minutes, and training moves every matrix.

    Returns:
        None for a model whose files are not here, or that is made anew from a config.

    Raises:
        ModelError: A package or a folder that does not exist.
    """
    folder = None if config.name_or_path is None else folder_on_disk(config)
    if folder is None:
        return None
    digest = hashlib.sha256()
    for line in sorted(line for path in folder.glob("*.safetensors") for line in _tensors(path)):
        digest.update(line)
    return digest.hexdigest()


def _tensors(path: Path) -> Iterator[bytes]:
    with safe_open(path, framework="pt") as file:
        for name in file.keys():  # noqa: SIM118  # no mapping
            tensor = file.get_slice(name)
            shape = tensor.get_shape()
            # a row in the middle: the first one is often that of padding
            middle = tuple(slice(size // 2, size // 2 + 1) for size in shape[:-1])
            row = tensor[middle] if shape else file.get_tensor(name)
            said = f"{name} {tensor.get_dtype()} {shape} "
            yield said.encode() + row.reshape(-1).view(torch.uint8).numpy().tobytes()
