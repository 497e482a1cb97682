"""From a base and adapters to one folder: a graph with LoRA inputs, a file for each adapter, checked beside peft."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import onnx

from slimtune.export.adapters.adapter_file import SUFFIX, laid_out, parameters_of, write_adapter
from slimtune.export.adapters.base import (
    SharedBase,
    adapted,
    base_config,
    check_base_fits,
    check_named_base,
    write_graph,
)
from slimtune.export.adapters.check import (
    AdapterRows,
    Expected,
    check_adapter_tokenizer,
    check_adapters,
    expected_of,
    rows_of,
    within_limits,
)
from slimtune.export.adapters.manifest import adapter_entry, base_interface, card
from slimtune.export.adapters.shared_bases import Bases, load_bases, on_graph
from slimtune.export.adapters.source import AdapterSource, check_trained_on, open_source
from slimtune.export.bundle.adapter_folder import BASE, BASE_NAMES, AdapterFolder, is_adapter_folder
from slimtune.export.bundle.adapters_manifest import AdapterCheck, AdapterEntry, AdaptersManifest
from slimtune.export.bundle.bundle import CARD, TOKENIZER, hashes, write_manifest
from slimtune.export.bundle.export_folder import others_than_listed
from slimtune.export.config import Calibration, Variant
from slimtune.export.graph_names import FP32, MODEL
from slimtune.export.graphs.lora_inputs import AdapterInputs
from slimtune.export.graphs.tracing import save_graph
from slimtune.export.manifest.environment import versions
from slimtune.export.variants.quantization_settings import QuantizationSettings
from slimtune.export.variants.quantize import BUILDERS
from slimtune.training.atomic_files import folder_aside
from slimtune.training.errors import ModelError
from slimtune.training.stages import told_stage
from slimtune.training.writable_folder import check_writable

OPSET, BLOCK_SIZE = 20, 32


class BasePrecision(Enum):
    """Of the base's weights; adapters are in fp32."""

    fp32 = "fp32"
    int8_dynamic = "int8_dynamic"
    int4 = "int4"


VARIANTS = {BasePrecision.int8_dynamic: Variant.int8_dynamic, BasePrecision.int4: Variant.int4_blockwise}


class AdaptersRequest(NamedTuple):
    """What to write.

    Attributes:
        base: A folder, package path or hub name.
        revision: Hub revision of the base; None is the default branch.
        adapters: Checkpoint, trial folder, run id or folder of peft, by the name that the adapter gets.
        output: The folder to write.
        precision: Of the base.
        min_agreement: Least share of PyTorch's answers that a quantized base must keep, with each adapter.
        genai: Whether onnxruntime-genai is to have a folder of its own in it.
        tracking_uri: The MLflow store of run ids.
        trust: Whether code that the adapters' configs name may be run.
    """

    base: str
    revision: str | None
    adapters: Mapping[str, str]
    output: Path
    precision: BasePrecision
    min_agreement: float
    genai: bool
    tracking_uri: str | None
    trust: bool = False


class AdaptersResult(NamedTuple):
    """What `export_adapters` gave.

    Attributes:
        folder: What was written.
        checks: The base alone and each adapter, on each graph.
    """

    folder: AdapterFolder
    checks: list[AdapterCheck]


def export_adapters(request: AdaptersRequest) -> AdaptersResult:
    """Write the folder, or nothing if an adapter does not compute what it computes in PyTorch.

    Raises:
        ModelError: An adapter cannot be read, is not of this base, cannot be switched at run time, or differs.
    """
    _check_output(request.output)
    config = base_config(request.base, request.revision)
    check_named_base(config)
    sources = [
        open_source(name, given, base=config, tracking_uri=request.tracking_uri, trust=request.trust)
        for name, given in request.adapters.items()
    ]
    for source in sources:
        check_trained_on(source, config)
    _check_names(sources)
    if request.genai:
        _check_genai(sources, request)
    with told_stage("loads the base"):
        bases = load_bases(config, sources)
    for source in sources:
        check_base_fits(bases.of(source.kind), source)
    with told_stage("runs each adapter in PyTorch"):
        expected = _expected(bases, sources, genai=request.genai)
    base, taken = bases.graph, [on_graph(source, bases) for source in sources]
    with folder_aside(request.output) as aside:
        with told_stage("traces the graph"):
            opened = write_graph(base, taken, aside, opset=OPSET)
        _save_tokenizer(base, aside)
        for source in taken:
            write_adapter(aside / f"{source.name}{SUFFIX}", parameters_of(source, opened.transposed))
        with told_stage("compares each adapter on the graph"):
            checks = _checked(base, expected, aside, request=request, opened=opened)
        if request.genai:
            checks += _with_genai(base, sources, expected, aside, request=request)
        manifest = _finish(bases, sources, aside, request=request, checks=checks)
    return AdaptersResult(AdapterFolder(request.output, manifest), checks)


def _check_output(folder: Path) -> None:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ModelError(f"--output {folder} is a file or a link; give a new folder")
    check_writable(folder, "--output")
    if folder.is_dir() and any(folder.iterdir()) and not is_adapter_folder(folder):
        raise ModelError(f"--output {folder} has other files; give a new folder")
    if others := others_than_listed(folder):
        raise ModelError(
            f"--output {folder} has other files, such as {others[0]}, which slimtune did not write; give a new folder"
        )


def _check_names(sources: Sequence[AdapterSource]) -> None:
    for source in sources:
        if source.name in BASE_NAMES:
            raise ModelError(f"--adapters: '{source.name}' is the base alone; give the adapter another name")


def _save_tokenizer(base: SharedBase, folder: Path) -> None:
    tokenizer = base.tokenizer.backend_tokenizer
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.save(str(folder / TOKENIZER))


def _expected(bases: Bases, sources: Sequence[AdapterSource], *, genai: bool) -> dict[str, Expected]:
    """What PyTorch gives: the base alone, and with each adapter."""
    alike = next(source for source in sources if source.kind is bases.graph.kind)
    expected = {BASE: _one_expected(bases.graph.model, bases.graph, rows_of(bases.graph, alike), genai=genai)}
    for source in sources:
        base = bases.of(source.kind)
        rows = rows_of(base, source)
        check_adapter_tokenizer(base, source, rows)
        expected[source.name] = _one_expected(adapted(base, source), base, rows, genai=genai)
    return expected


def _one_expected(model: Any, base: SharedBase, rows: AdapterRows, *, genai: bool) -> Expected:
    one = expected_of(model, base, rows)
    if genai:
        from slimtune.export.adapters.genai import answers_of_pytorch, prompts_of

        one = one._replace(answers=answers_of_pytorch(model, base, prompts_of(one)))
    return one


def _check_genai(sources: Sequence[AdapterSource], request: AdaptersRequest) -> None:
    """Whether onnxruntime-genai is there, and can take what is asked; it is optional, and so is its import."""
    from slimtune.export.adapters.genai import check_for_genai
    from slimtune.export.runtime.genai_session import runtime

    runtime()
    if request.precision is BasePrecision.int8_dynamic:
        raise ModelError("--genai: onnxruntime-genai takes a base in fp32 or int4; use another --precision")
    check_for_genai(sources)


def _with_genai(
    base: SharedBase,
    sources: Sequence[AdapterSource],
    expected: Mapping[str, Expected],
    folder: Path,
    *,
    request: AdaptersRequest,
) -> list[AdapterCheck]:
    from slimtune.export.adapters.genai import check_genai_adapters, write_genai

    precision = request.precision.value
    write_genai(base, sources, folder, precision=precision)
    files = {source.name: folder / f"{source.name}{SUFFIX}" for source in sources}
    return within_limits(
        check_genai_adapters(base, folder, expected, files, precision=precision), min_agreement=request.min_agreement
    )


def _checked(
    base: SharedBase, expected: Mapping[str, Expected], folder: Path, *, request: AdaptersRequest, opened: AdapterInputs
) -> list[AdapterCheck]:
    """Compare the fp32 graph, quantize it if so asked, and compare that.

    Raises:
        ModelError: Too large a difference.
    """
    files = {name: folder / f"{name}{SUFFIX}" for name in expected if name != BASE}
    with TemporaryDirectory() as scratch:
        if base.head & base.loaded.new_keys:
            files[BASE] = _drawn_head(base, Path(scratch), opened)
        exact = check_adapters(base, folder, expected, files, graph=FP32)
    checks = within_limits(exact, min_agreement=request.min_agreement)
    if request.precision is BasePrecision.fp32:
        return checks
    _quantize(folder, request.precision, kept=opened.kept)
    # a drawn head has no answers to keep
    answering = {name: one for name, one in expected.items() if name != BASE or BASE not in files}
    rounded = check_adapters(base, folder, answering, files, graph=request.precision.value)
    return checks + within_limits(rounded, min_agreement=request.min_agreement)


def _drawn_head(base: SharedBase, folder: Path, opened: AdapterInputs) -> Path:
    """The head that was drawn for a base without one, so that the base alone has something to be compared by."""
    path = folder / f"{BASE}{SUFFIX}"
    values = {name: base.model.get_parameter(name).detach() for name in base.loaded.new_keys & opened.transposed.keys()}
    write_adapter(path, laid_out(values, opened.transposed))
    return path


def _quantize(folder: Path, precision: BasePrecision, *, kept: frozenset[str]) -> None:
    """Put a smaller graph in the place of the fp32 one; LoRA and replaceable layers stay as they are."""
    settings = QuantizationSettings(
        per_channel=True, block_size=BLOCK_SIZE, symmetric=False, calibration=Calibration.minmax, kept=kept
    )
    small = folder / f"small-{MODEL}"
    BUILDERS[VARIANTS[precision]](folder / MODEL, small, settings)
    graph = onnx.load(small)
    # shapes that the quantizers took from the defaults would forbid other ranks
    del graph.graph.value_info[:]
    save_graph(graph, folder / MODEL)
    for path in folder.glob(f"{small.name}*"):
        path.unlink()


def _finish(
    bases: Bases,
    sources: Sequence[AdapterSource],
    folder: Path,
    *,
    request: AdaptersRequest,
    checks: Sequence[AdapterCheck],
) -> AdaptersManifest:
    """Write the card and the manifest."""
    manifest = AdaptersManifest(
        base=base_interface(bases.graph),
        adapters={source.name: _entry(bases, source) for source in sources},
        checks=checks,
        base_model=request.base,
        base_revision=request.revision,
        precision=request.precision.value,
        opset=OPSET,
        versions=versions(),
    )
    (folder / CARD).write_text(card(manifest), encoding="utf-8")
    return AdaptersManifest.parse(write_manifest(folder, replace(manifest, files=hashes(folder)).as_dict()))


def _entry(bases: Bases, source: AdapterSource) -> AdapterEntry:
    base = bases.of(source.kind)
    entry = adapter_entry(base, source)
    if base is bases.graph:
        return entry
    # a classifier over a generative base
    return replace(entry, interface=replace(entry.interface, last_token=True))
