"""A folder for onnxruntime-genai: graph, weights, tokenizer and settings, built offline from a merged model."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import NamedTuple

import onnx

from slimtune.export.config import BLOCK_SIZES
from slimtune.export.genai import builder_process
from slimtune.export.genai.settings import write_settings
from slimtune.export.genai.source import MODEL_CONFIG, check_source, stage, unknown_options
from slimtune.export.graph_names import MODEL
from slimtune.export.precisions import GenaiPrecision
from slimtune.export.runtime.genai_session import GenaiSession, runtime
from slimtune.training.atomic_files import folder_aside
from slimtune.training.errors import ModelError

OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
NO_OPTIONS: Mapping[str, str] = MappingProxyType({})


class GenaiSettings(NamedTuple):
    """How onnxruntime-genai's builder is to store a model.

    Attributes:
        precision: Of the weights. What follows is of int4 alone.
        block_size: Weights that share a scale: 16, 32, 64, 128 or 256.
        symmetric: Whether such blocks do without a zero point.
        quantize_embeddings: Whether the embeddings are in 4 bits as well; if not, tied ones are written a second time.
    """

    precision: GenaiPrecision
    block_size: int = 32
    symmetric: bool = True
    quantize_embeddings: bool = True


def build_genai(
    model_folder: Path, target: Path, settings: GenaiSettings, *, extra: Mapping[str, str] = NO_OPTIONS
) -> None:
    """Write `model.onnx`, `model.onnx.data`, `genai_config.json` and the tokenizer, in a process without a network.

    Args:
        model_folder: A merged transformers folder: `config.json`, `*.safetensors`, `tokenizer.json`.
        target: The folder to write; it is there whole or not at all.
        settings: How weights are stored.
        extra: Further options of the builder, e.g. `{"fuse_qkv": "false"}`.

    Raises:
        ModelError: The package is missing, the model or an option is not supported, or the builder failed.
    """
    runtime()
    check_source(model_folder)
    options = _options(settings, extra)
    with TemporaryDirectory() as scratch, folder_aside(target) as aside:
        staged = Path(scratch) / "model"
        stage(model_folder, staged)
        _run_builder(staged, aside, settings, options)
        _check_graph(aside, settings)
        write_settings(aside, model_folder)
        _check_runs(aside)


def _options(settings: GenaiSettings, extra: Mapping[str, str]) -> dict[str, str]:
    """The builder's options, by its names."""
    # its cache of the window's size does not run on the CPU
    options = {"windowed_kv_cache": "false"}
    if settings.precision is GenaiPrecision.fp16:
        # norms within attention run on GPUs alone
        options |= {"fuse_qk_norm_gqa": "false"}
    if settings.precision is GenaiPrecision.int4:
        if settings.block_size not in BLOCK_SIZES:
            raise ModelError(f"block_size is {settings.block_size}; use one of {', '.join(map(str, BLOCK_SIZES))}")
        options |= {"block_size": str(settings.block_size), "is_symmetric": str(settings.symmetric).lower()}
        options["op_types_to_quantize"] = "MatMul/Gather" if settings.quantize_embeddings else "MatMul"
        if not (settings.quantize_embeddings and settings.symmetric):
            # what is shared it quantizes, and with zero points into a graph that cannot be loaded
            options["shared_embeddings"] = "false"
    if taken := sorted(extra.keys() & options.keys()):
        raise ModelError(f"the builder's option {taken[0]} is set by the settings; leave it out of the further ones")
    if unknown := unknown_options(extra):
        raise ModelError(f"onnxruntime-genai's builder has no option {unknown[0]}, and would ignore it; leave it out")
    return {**options, **extra}


def _run_builder(source: Path, target: Path, settings: GenaiSettings, options: Mapping[str, str]) -> None:
    places = [source, target, settings.precision.value, settings.precision.provider, source.parent / "cache"]
    pairs = [f"{name}={value}" for name, value in options.items()]
    done = subprocess.run(
        [sys.executable, "-P", "-m", builder_process.__name__, *map(str, places), *pairs],
        env={**os.environ, **OFFLINE},
        capture_output=True,
        text=True,
        check=False,
    )
    last = ([line for line in done.stderr.splitlines() if line.strip()] or ["nothing was said"])[-1].strip()
    if done.returncode != 0:
        raise ModelError(
            f"onnxruntime-genai's builder failed in {settings.precision.value}, exit code {done.returncode} ({last}); "
            "check that transformers loads the folder, or leave this runtime out"
        )
    if "MISSING" in done.stderr:
        raise ModelError(
            f"weights that {MODEL_CONFIG} asks for are not in the folder's files; save the merged model again"
        )


def _check_runs(folder: Path) -> None:
    """Two tokens: the first comes from the prompt, the second from the cache.

    Raises:
        ModelError: The runtime cannot run what the builder wrote.
    """
    session = GenaiSession(folder, num_threads=1)
    session.generate([session.end_ids[:1]], max_new_tokens=2)


def _check_graph(folder: Path, settings: GenaiSettings) -> None:
    """Options that the builder does not know are ignored, so what it wrote is looked at.

    Raises:
        ModelError: The weights are not stored as the settings say.
    """
    graph = onnx.load(folder / MODEL, load_external_data=False).graph
    weights = {item.name for item in graph.initializer}
    by_type: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        by_type.setdefault(node.op_type, []).append(node)
    quantized, embeddings = by_type.get("MatMulNBits", []), by_type.get("GatherBlockQuantized", [])
    plain = [node for node in by_type.get("MatMul", []) if node.input[1] in weights]
    is_int4 = settings.precision is GenaiPrecision.int4
    problems = []
    if bool(quantized) != is_int4 or (is_int4 and plain):
        problems.append(f"{len(quantized)} of {len(quantized) + len(plain)} matrices are quantized")
    if bool(embeddings) != (is_int4 and settings.quantize_embeddings):
        problems.append(f"the embeddings are {'' if embeddings else 'not '}quantized")
    for node in quantized:
        values = {item.name: item.i for item in node.attribute}
        has_zero_points = len(node.input) > 3 and bool(node.input[3])
        if (values["bits"], values["block_size"]) != (4, settings.block_size) or has_zero_points == settings.symmetric:
            problems.append(
                f"{node.name} has {values['bits']} bits and blocks of {values['block_size']}, "
                f"{'with' if has_zero_points else 'without'} zero points"
            )
    if problems:
        raise ModelError(
            f"onnxruntime-genai's builder did not do as told ({settings}): {problems[0]}; use the version that "
            "slimtune was tested with, 0.18"
        )
