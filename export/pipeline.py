"""From a checkpoint to a bundle: merge, graph, quantize, verify, choose, write."""

import reprlib
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch

from slimtune.export.bundle.bundle import TOKENIZER, Bundle, write_bundle
from slimtune.export.bundle.export_folder import (
    BUNDLE,
    PICTURE,
    REPORT,
    begin_anew,
    check_export_folder,
    remove_earlier,
)
from slimtune.export.bundle.manifest import BuiltFor, Manifest, Provenance
from slimtune.export.bundle.model_card import model_card
from slimtune.export.bundle.variant_report import VariantReport
from slimtune.export.checkpoint_formats.transformers_folders import FolderReport, FolderReports, transformers_folders
from slimtune.export.config import OnnxExport, check_static_length, export_problems, kind_of_task, onnx_config
from slimtune.export.genai.bundles import GenaiReport, genai_bundles
from slimtune.export.graph_names import (
    BITSANDBYTES_FOLDER,
    FP32,
    GENAI_FOLDER,
    INPUTS,
    MERGED_FOLDER,
    PAIR_INPUTS,
    Kind,
)
from slimtune.export.graphs.causal_graph import export_causal
from slimtune.export.graphs.encoder_graph import export_graph, export_numbers
from slimtune.export.graphs.seq2seq_graph import export_encoder_decoder
from slimtune.export.manifest.environment import built_for, ports
from slimtune.export.manifest.exported_manifest import exported_manifest
from slimtune.export.manifest.interface import generation_settings_of, prompt_settings_of
from slimtune.export.runtime.execution import placed
from slimtune.export.variants.build import make_static
from slimtune.export.verification.check import VariantCheck, check_variant, choose_variant
from slimtune.export.verification.measured_variants import VariantSetup, measured_variants, variant_report_of
from slimtune.export.verification.pareto import draw_variants
from slimtune.export.verification.reference import ComparedRows, PyTorchRunner, Reference
from slimtune.export.verification.rescoring import rescored_note
from slimtune.export.verification.tokenizer_check import check_tokenizer
from slimtune.training.atomic_files import write_json
from slimtune.training.checkpoints.checkpoint import Checkpoint, open_checkpoint
from slimtune.training.checkpoints.find import checkpoint_in
from slimtune.training.checkpoints.recorded_rows import found_rows
from slimtune.training.data.examples import Example
from slimtune.training.data.splits import RowSplits
from slimtune.training.errors import ConfigError, ModelError
from slimtune.training.listed_names import short_repr
from slimtune.training.methods import method_of
from slimtune.training.models.generate import some_rows
from slimtune.training.models.positions import longest_row, positions_of
from slimtune.training.stages import told_stage
from slimtune.training.tasks.similarity import Similarity
from slimtune.training.workbench.prepared_data import ReadRows, encoded_split

UNKNOWN = Provenance()
# bf16 training and fp32 reloading may tell a few rows apart, and text that begins otherwise continues otherwise
MAX_RELOAD_GAP, MAX_TEXT_GAP = 0.03, 0.1
# of so few rows that two of them are more than that
MAX_ROWS_APART = 2


class ExportResult(NamedTuple):
    """What an export gave.

    Attributes:
        reports: PyTorch and every variant, measured.
        chosen: The variant in the bundle, or None if none is within the limits.
        bundle: The bundle, or None.
        target: What it was built for, and where it was run.
        genai: Folders for onnxruntime-genai, measured.
        plain: Folders of transformers, merged and in few bits, measured.
        note: Why PyTorch's score is not the trial's own; None where it is.
    """

    reports: list[VariantReport]
    chosen: VariantReport | None
    bundle: Bundle | None
    target: BuiltFor
    genai: Sequence[GenaiReport] = ()
    plain: FolderReports = FolderReports()
    note: str | None = None

    def __repr__(self) -> str:
        """What was tried, what was chosen and where it lies."""
        return short_repr(
            "ExportResult",
            reports=[report.name for report in self.reports],
            chosen=self.chosen.name if self.chosen else None,
            bundle=self.bundle.folder if self.bundle else None,
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as they are printed and kept."""
        return {
            "reports": [report.as_dict() for report in self.reports],
            "chosen": self.chosen.name if self.chosen else None,
            "bundle": str(self.bundle.folder) if self.bundle else None,
            "genai": [report.as_dict() for report in self.genai],
            "merged": [report.as_dict() for report in self.plain.merged],
            "bitsandbytes": [report.as_dict() for report in self.plain.bitsandbytes],
            "target": asdict(self.target),
            "note": self.note,
        }


class _Source(NamedTuple):
    checkpoint: Checkpoint
    splits: RowSplits
    kind: Kind
    tokenizer: Any

    def rows(self, examples: Sequence[Example], name: str, *, writes: bool = True) -> ComparedRows:
        """Examples, ready to run."""
        config = self.checkpoint.config
        task = self.checkpoint.task if writes else self.checkpoint.task.with_generated_rows(0)
        split = encoded_split(examples, task, self.tokenizer, config=config, name=name)
        return ComparedRows(kind=self.kind, task=task, split=split, tokenizer=self.tokenizer, config=config)


def export_checkpoint(  # noqa: PLR0913
    checkpoint: str | Path,
    *,
    folder: str | Path,
    config: OnnxExport | None = None,
    provenance: Provenance = UNKNOWN,
    read: ReadRows | None = None,
    trust: bool = False,
) -> ExportResult:
    """Export a checkpoint into a folder: all variants, `verification.json`, and `bundle/` if a variant passed.

    Args:
        checkpoint: The folder of a checkpoint or of a trial.
        folder: Where to write; it is made if need be.
        config: What to try, and what a variant may cost; None is `onnx_config()`.
        provenance: Where the checkpoint comes from, for the manifest.
        read: Rows that were read before; None reads them.
        trust: Whether code that the checkpoint's config names may be run, although it was not trained in this process.

    Returns:
        What was measured of each variant, and the bundle, if one is within the limits.

    Raises:
        ModelError: The checkpoint cannot be read, or has no graph; or `folder` has files that slimtune did not write
            in a place that it writes anew.
        UntrustedError: Its config names code, and `trust` is false.
        DataError: Its validation rows cannot be read again, or have changed.
        ConfigError: Its task has no graph, the target has rows of more tokens than the model has positions, or an
            argument is of another kind.

    Example:
        >>> import slimtune
        >>> from slimtune.export.config import onnx_config
        >>> config = onnx_config(variants=[], max_metric_drop=0.5)
        >>> slimtune.export_checkpoint("outputs/mine/trials/0", folder="exported", config=config).bundle.folder.name
        'bundle'
    """
    for name, given in (("checkpoint", checkpoint), ("folder", folder)):
        if not isinstance(given, str | Path):
            raise ConfigError([f"{name} is {given!r}; give the path of a folder"])
    folder, config = Path(folder), _checked(config)
    check_export_folder(folder, config)
    source = _open(open_checkpoint(checkpoint_in(Path(checkpoint)), trust=trust), config, read or ReadRows())
    folder.mkdir(parents=True, exist_ok=True)
    with told_stage("loads the model"):
        model = source.checkpoint.model()
    positions = positions_of(model)
    check_static_length(config.target, positions.read)
    with told_stage("runs the validation rows in PyTorch", len(source.splits.validation)):
        setup = _setup(model, source, config, folder)
        checked = check_variant(
            PyTorchRunner(model, setup.reference.rows), setup.reference, single=setup.reference.found
        )
    with told_stage("times PyTorch, in a process of its own"):
        pytorch = _pytorch_report(model, source.checkpoint.folder, checked, setup)
    merged = method_of(source.checkpoint.config.method).merge(model)
    begin_anew(folder)
    with told_stage("traces the graph"):
        _write_graphs(merged, setup)
    reports = [pytorch, *measured_variants(setup)]
    write_json(folder / REPORT, [report.as_dict() for report in reports])
    draw_variants(reports, folder / PICTURE, min_agreement=config.min_agreement)
    manifest = exported_manifest(
        source.checkpoint,
        setup,
        reports,
        provenance,
        num_rows=len(source.splits.validation),
        positions=positions.read if positions.is_table else None,
    )
    genai = genai_bundles(merged, setup, manifest, tokenizer=source.checkpoint.folder)
    plain = transformers_folders(merged, setup)
    target, chosen = built_for(config.target, setup.where), choose_variant(reports[1:], config.objective)
    bundle = None if chosen is None else _bundle(chosen, replace(manifest, target=target), source, setup)
    remove_earlier(folder, _written(folder, bundle, genai, plain))
    note = rescored_note(
        setup.reference.metric,
        here=pytorch.score,
        trained=_trained_score(source.checkpoint, setup.reference.metric),
        precision=source.checkpoint.config.fit.precision.value,
    )
    return ExportResult(reports, chosen, bundle, target, genai, plain, note)


def _checked(config: object) -> OnnxExport:
    """What a caller in Python gave, or the usual config in place of None.

    Raises:
        ConfigError: It is of another kind.
    """
    if config is None:
        return onnx_config()
    if isinstance(config, OnnxExport):
        return config
    raise ConfigError([f"config is {reprlib.repr(config)}; use onnx_config(variants=[...]) of slimtune.export.config"])


def _trained_score(checkpoint: Checkpoint, metric: str) -> float:
    return checkpoint.record.scores[f"validation/{metric}"]


def _written(folder: Path, bundle: Bundle | None, genai: Sequence[GenaiReport], plain: FolderReports) -> set[Path]:
    """Folders that other commands open."""
    places: dict[str, Sequence[GenaiReport | FolderReport]] = {
        GENAI_FOLDER: genai,
        MERGED_FOLDER: plain.merged,
        BITSANDBYTES_FOLDER: plain.bitsandbytes,
    }
    found = {folder / name / one.name for name, reports in places.items() for one in reports if one.passed}
    return found if bundle is None else {bundle.folder, *found}


def _bundle(chosen: VariantReport, manifest: Manifest, source: _Source, setup: VariantSetup) -> Bundle:
    graphs = setup.of(chosen.name)
    own = replace(manifest, graphs=ports(graphs), variant=chosen.name)
    tokenizer = source.checkpoint.folder
    return write_bundle(setup.folder / BUNDLE, graphs=graphs, tokenizer=tokenizer, manifest=own, card=model_card(own))


def _open(checkpoint: Checkpoint, config: OnnxExport, read: ReadRows) -> _Source:
    if problems := export_problems(checkpoint.config, config):
        raise ModelError(f"{checkpoint.folder}: {problems[0]}")
    splits = read.known(checkpoint.config) or read.of(found_rows(checkpoint.config, checkpoint.folder))
    if splits.fingerprint != checkpoint.record.data_fingerprint:
        raise ModelError(
            f"{checkpoint.config.data.train_file} has changed since {checkpoint.folder} was trained; its "
            "validation rows would no longer be rows that it has not seen: bring the file back, or train again"
        )
    kind = kind_of_task(checkpoint.config.task, checkpoint.task.export_kind)
    return _Source(checkpoint, splits, kind, checkpoint.tokenizer())


def _setup(model: torch.nn.Module, source: _Source, config: OnnxExport, folder: Path) -> VariantSetup:
    rows = source.rows(source.splits.validation, "validation")
    # row by row, as a model is used that nothing was done to
    reference = Reference(rows=rows, found=rows.run(PyTorchRunner(model, rows), batch_size=1))
    _check_reference(reference, source)
    tokenizer = _tokenizer_file(source.checkpoint.folder)
    check_tokenizer(rows, tokenizer, prompt_settings_of(rows) if source.kind.writes else None)
    train = source.splits.train
    num_threads = torch.get_num_threads()
    drawn = some_rows(len(train), config.calibration_rows, seed=source.checkpoint.config.fit.seed)
    return VariantSetup(
        folder=folder,
        config=config,
        reference=reference,
        training=source.rows([train[row] for row in drawn], "train", writes=False),
        tokenizer=tokenizer,
        generation=generation_settings_of(rows, model) if source.kind.writes else None,
        longest=longest_row(model, source.checkpoint.config.data.max_length),
        where=placed(config.target.provider, config.target.provider_options, num_threads=num_threads),
        num_threads=num_threads,
    )


def _tokenizer_file(checkpoint: Path) -> Path:
    path = checkpoint / TOKENIZER
    if not path.is_file():
        raise ModelError(f"{path} is missing: the model's tokenizer has no fast form, which a bundle needs")
    return path


def _check_reference(reference: Reference, source: _Source) -> None:
    """A checkpoint that does not score as it was saved is not what was trained, however well a graph agrees with it."""
    trained = _trained_score(source.checkpoint, reference.metric)
    loaded = reference.score(reference.found)
    is_text = reference.tally(reference.found) is reference.found.generated
    allowed = (MAX_TEXT_GAP if is_text else MAX_RELOAD_GAP) * max(1.0, abs(trained))
    if abs(loaded - trained) > max(allowed, MAX_ROWS_APART / max(1, len(source.splits.validation))):
        raise ModelError(
            f"{source.checkpoint.folder}: loaded again it has a validation {reference.metric} of {loaded:z.4f}, where "
            f"{trained:z.4f} was measured in training; the checkpoint or its base model has changed"
        )


def _write_graphs(model: Any, setup: VariantSetup) -> None:
    rows, folder, config = setup.reference.rows, setup.of(FP32), setup.config
    write_graphs(model, folder, rows, opset=config.opset)
    if not rows.kind.writes and config.target.is_static:
        make_static(folder, config.target)


def write_graphs(model: Any, folder: Path | None, rows: ComparedRows, *, opset: int) -> None:
    """Write them, or only try to.

    Args:
        model: A merged model in fp32 on the CPU; one without weights, if nothing is written.
        folder: Where to write; None tries.
        rows: What it is for.
        opset: ONNX operator set.

    Raises:
        ModelError: torch cannot write this architecture as a graph.
    """
    match rows.kind:
        case Kind.causal:
            export_causal(model, folder, opset=opset)
        case Kind.encoder_decoder:
            export_encoder_decoder(model, folder, opset=opset)
        case _:
            inputs = PAIR_INPUTS if "token_type_ids" in rows.split.encoded.columns else INPUTS
            if rows.kind is Kind.numbers:
                export_numbers(model, folder, opset=opset, inputs=inputs, task=rows.task)
            else:
                pooling = rows.task.pooling if isinstance(rows.task, Similarity) else None
                export_graph(model, folder, opset=opset, inputs=inputs, pooling=pooling)


def _pytorch_report(
    model: torch.nn.Module, checkpoint: Path, checked: VariantCheck, setup: VariantSetup
) -> VariantReport:
    weights = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
    request = setup.request(checkpoint, pytorch=True)
    return variant_report_of("pytorch", checked, request=request, size_mb=weights / 1e6, setup=setup)
