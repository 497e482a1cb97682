"""The same base and adapters for onnxruntime-genai: its own graph of the base, which takes the same adapter files."""

import copy
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import onnx

from slimtune.export.adapters.base import SharedBase
from slimtune.export.adapters.check import Expected, check_adapters
from slimtune.export.adapters.source import AdapterSource
from slimtune.export.bundle.adapters_manifest import AdapterCheck
from slimtune.export.checkpoint_formats.merged_checkpoint import save_merged
from slimtune.export.genai.build import GenaiSettings, build_genai
from slimtune.export.genai.check import GenaiSample, greedy_answer, tokens_equal
from slimtune.export.graph_names import FP32, GENAI_FOLDER, GENAI_SETTINGS, MODEL
from slimtune.export.graphs.lora_inputs import add_lora_inputs, module_of_builder
from slimtune.export.precisions import GenaiPrecision
from slimtune.export.runtime.genai_session import GenaiSession
from slimtune.training.errors import ModelError

CACHE_WIDTH = "kv_cache_dim"
# of each adapter: what it writes after the first half of a row
NUM_PROMPTS, NUM_NEW_TOKENS = 4, 16


class GenaiAdapters(GenaiSession):
    """A base in onnxruntime-genai, alone or with adapters: `with_adapter` gives a session on the same weights.

    Args:
        folder: What `write_genai` wrote.
        adapters: `.onnx_adapter` files by name.
        num_threads: Threads inside an operator; None leaves it to onnxruntime.
    """

    def __init__(self, folder: Path, adapters: Mapping[str, Path], *, num_threads: int | None = None) -> None:
        super().__init__(folder, num_threads=num_threads)
        self._active: str | None = None
        self._adapters = self._package.Adapters(self._model)
        for name, path in adapters.items():
            self._adapters.load(str(path), name)

    def with_adapter(self, name: str | None) -> Self:
        """The same base with an adapter switched on; None is the base alone."""
        other = copy.copy(self)
        other._active = name
        return other

    def _generator(self, **options: Any) -> Any:
        generator = super()._generator(**options)
        if self._active is not None:
            generator.set_active_adapter(self._adapters, self._active)
        return generator


def check_for_genai(sources: Sequence[AdapterSource]) -> None:
    """Whether onnxruntime-genai can take the adapters.

    Raises:
        ModelError: One answers with labels, or has weights of its own.
    """
    for source in sources:
        if not source.kind.writes:
            raise ModelError(f"--genai: adapter {source.name} answers with labels; onnxruntime-genai writes text")
        if source.wholes:
            raise ModelError(
                f"--genai: adapter {source.name} has its own '{min(source.wholes)}', which onnxruntime-genai's graph "
                "does not take; leave --genai out, or train it with method.modules_to_save=[]"
            )


def write_genai(base: SharedBase, sources: Sequence[AdapterSource], folder: Path, *, precision: str) -> None:
    """Write `genai/`: the base by onnxruntime-genai's builder, with inputs for the adapters.

    Raises:
        ModelError: The package is missing, or it cannot build the base.
    """
    target = folder / GENAI_FOLDER
    with TemporaryDirectory() as scratch:
        merged = Path(scratch) / "base"
        save_merged(base.model, base.tokenizer, merged)
        build_genai(merged, target, GenaiSettings(GenaiPrecision(precision)), extra={"fuse_qkv": "false"})
    graph = onnx.load(target / MODEL)
    add_lora_inputs(graph, {module for source in sources for module in source.modules}, module_of_builder)
    _name_cache_width(graph, json.loads((target / GENAI_SETTINGS).read_text(encoding="utf-8")))
    data = f"{MODEL}.data"
    (target / data).unlink(missing_ok=True)
    onnx.save(graph, target / MODEL, save_as_external_data=True, location=data)


def _name_cache_width(graph: onnx.ModelProto, settings: Mapping[str, Any]) -> None:
    """Say how wide the cache is: the builder leaves that to its own runtime, and onnxruntime alone is to run it too."""
    for item in (*graph.graph.input, *graph.graph.output):
        for dim in item.type.tensor_type.shape.dim:
            if dim.dim_param == CACHE_WIDTH:
                dim.dim_value = int(settings["model"]["decoder"]["head_size"])


def answers_of_pytorch(model: Any, base: SharedBase, prompts: Sequence[Sequence[int]]) -> list[list[int]]:
    """Greedy tokens after each prompt, without the end."""
    end, sample = base.tokenizer.eos_token_id, GenaiSample(prompts, [], NUM_NEW_TOKENS)
    ends = set() if end is None else {end}
    return [greedy_answer(model, base.tokenizer, prompt, sample, ends=ends) for prompt in prompts]


def prompts_of(expected: Expected) -> list[list[int]]:
    """The first halves of some rows."""
    return [list(ids[: (len(ids) + 1) // 2]) for ids in expected.rows.ids[:NUM_PROMPTS]]


def check_genai_adapters(
    base: SharedBase,
    folder: Path,
    expected: Mapping[str, Expected],
    files: Mapping[str, Path],
    *,
    precision: str,
) -> list[AdapterCheck]:
    """Compare scores of the graph, and of an exact one the tokens that onnxruntime-genai writes: the agreement is the
    smaller of both. With rounded weights, texts go apart at the first token that differs.
    """
    session = GenaiAdapters(folder / GENAI_FOLDER, files)
    checks = []
    for check in check_adapters(base, folder / GENAI_FOLDER, expected, files, graph=f"genai {precision}"):
        one = expected[check.name]
        used = session.with_adapter(check.name if check.name in files else None)
        found = used.generate(prompts_of(one), max_new_tokens=NUM_NEW_TOKENS)
        same = tokens_equal(found, one.answers) if precision == FP32 else 1.0
        checks.append(check._replace(agreement=min(check.agreement, same)))
    return checks
