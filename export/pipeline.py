"""From a checkpoint to a bundle: merge, graph, quantize, verify, choose, write."""

# N rows, C classes

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from slimtune.export.bundle.bundle import TOKENIZER, Bundle, write_bundle
from slimtune.export.bundle.model_card import model_card
from slimtune.export.checkpoint_formats.bitsandbytes_checkpoints import FewBitsReport, few_bits_folders
from slimtune.export.config import OnnxExport, check_static_length, export_problems
from slimtune.export.genai.bundles import GenaiReport, genai_bundles
from slimtune.export.graph_names import INPUTS, PAIR_INPUTS, Kind
from slimtune.export.graphs.causal_graph import export_causal
from slimtune.export.graphs.encoder_graph import export_graph
from slimtune.export.graphs.seq2seq_graph import export_encoder_decoder
from slimtune.export.manifest import answers, built_for, ports, versions, writing_of
from slimtune.export.runtime.execution import placed
from slimtune.export.same_tokens import check_tokens
from slimtune.export.variants.build import make_static
from slimtune.export.verification.check import VariantReport, check, choose
from slimtune.export.verification.measured_variants import FP32, Bench, measured_variants, report_of
from slimtune.export.verification.pareto import draw_variants
from slimtune.export.verification.reference import PyTorchRunner, Reference, Rows, kind_of
from slimtune.training.atomic_files import write_json
from slimtune.training.checkpoints.checkpoint import (
    CheckpointRecord,
    load_model,
    load_own_tokenizer,
    own_task,
    read_record,
    trial_config,
)
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.examples import Example
from slimtune.training.data.splits import Splits, load_splits
from slimtune.training.errors import ModelError
from slimtune.training.methods import method_of
from slimtune.training.tasks import Task
from slimtune.training.tasks.generate import some_rows
from slimtune.training.tasks.similarity import Similarity
from slimtune.training.tasks.text_to_text import without_text
from slimtune.training.workbench.preflight import positions_of
from slimtune.training.workbench.workbench import fingerprint, ready

REPORT, PICTURE = "verification.json", "variants.png"
LIMITS = ("max_metric_drop", "min_agreement", "max_size_mb", "max_latency_ms")
# bf16 training and fp32 reloading may tell a few rows apart, and text that begins otherwise goes on otherwise
MAX_RELOAD_GAP, MAX_TEXT_GAP = 0.03, 0.1


class Exported(NamedTuple):
    """What an export gave.

    Attributes:
        reports: PyTorch and every variant, measured.
        chosen: The variant in the bundle, or None if none is within the limits.
        bundle: The bundle, or None.
        target: What it was built for, and where it was run.
        genai: Folders for onnxruntime-genai, measured.
        few_bits: Checkpoints in few bits, measured.
    """

    reports: list[VariantReport]
    chosen: VariantReport | None
    bundle: Bundle | None
    target: Mapping[str, Any]
    genai: Sequence[GenaiReport] = ()
    few_bits: Sequence[FewBitsReport] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as they are printed and kept."""
        return {
            "reports": [report.as_dict() for report in self.reports],
            "chosen": self.chosen.name if self.chosen else None,
            "bundle": str(self.bundle.folder) if self.bundle else None,
            "genai": [report.as_dict() for report in self.genai],
            "few_bits": [report.as_dict() for report in self.few_bits],
            "target": self.target,
        }


class _Source(NamedTuple):
    checkpoint: Path
    record: CheckpointRecord
    config: TrialConfig
    splits: Splits
    task: Task
    kind: Kind
    tokenizer: Any

    def rows(self, examples: Sequence[Example], name: str, *, writes: bool = True) -> Rows:
        """Examples, ready to run."""
        task = self.task if writes else without_text(self.task)
        split = ready(examples, task, self.tokenizer, config=self.config, name=name)
        return Rows(kind=self.kind, task=task, split=split, tokenizer=self.tokenizer, config=self.config)


def export_checkpoint(checkpoint: Path, limits: OnnxExport, folder: Path, *, facts: Mapping[str, Any]) -> Exported:
    """Export a checkpoint into `folder`: all variants, `verification.json`, and `bundle/` if a variant passed.

    Args:
        checkpoint: A trial's checkpoint folder.
        limits: What to try and what a variant may cost.
        folder: Where to write.
        facts: More entries for the manifest: scores, the source run.

    Raises:
        ModelError: The checkpoint cannot be read, or has no graph.
        DataError: Its validation rows cannot be read again, or have changed.
    """
    source = _open(checkpoint, limits)
    folder.mkdir(parents=True, exist_ok=True)
    model = load_model(checkpoint)
    check_static_length(limits.target, positions_of(model.config))
    bench = _bench(model, source, limits, folder)
    target = built_for(limits.target, bench.where)
    pytorch = _pytorch_report(model, checkpoint, bench)
    merged = method_of(source.config.method).merge(model)
    _export(merged, bench)
    reports = [pytorch, *measured_variants(bench)]
    write_json(folder / REPORT, [report.as_dict() for report in reports])
    draw_variants(reports, folder / PICTURE, min_agreement=limits.min_agreement)
    common = {**answers(bench.reference.rows, bench.writing), **_manifest(source, bench, reports), **facts}
    folders = genai_bundles(merged, bench, common, tokenizer=checkpoint)
    few_bits = few_bits_folders(merged, bench)
    chosen = choose(reports[1:], limits.objective)
    if chosen is None:
        return Exported(reports, None, None, target, folders, few_bits)
    manifest = {**common, "graphs": ports(bench.of(chosen.name)), "variant": chosen.name, "target": target}
    bundle = write_bundle(
        folder / "bundle",
        graphs=bench.of(chosen.name),
        tokenizer=checkpoint,
        manifest=manifest,
        card=model_card(manifest),
    )
    return Exported(reports, chosen, bundle, target, folders, few_bits)


def _open(checkpoint: Path, limits: OnnxExport) -> _Source:
    record = read_record(checkpoint)
    config = trial_config(record, checkpoint)
    if problems := export_problems(config, limits):
        raise ModelError(f"{checkpoint}: {problems[0]}")
    splits = load_splits(config)
    if fingerprint(splits) != record.data_fingerprint:
        raise ModelError(
            f"{config.data.train_file} has changed since {checkpoint} was trained; its validation rows would no "
            "longer be rows that it has not seen: bring the file back, or train again"
        )
    task = own_task(checkpoint)
    kind = kind_of(task)
    assert kind is not None, "the config's problems name such tasks"
    return _Source(checkpoint, record, config, splits, task, kind, load_own_tokenizer(checkpoint))


def _bench(model: torch.nn.Module, source: _Source, limits: OnnxExport, folder: Path) -> Bench:
    rows = source.rows(source.splits.validation, "validation")
    # row by row, as a model is used that nothing was done to
    reference = Reference(rows=rows, found=rows.run(PyTorchRunner(model, rows), batch_size=1))
    _check_reference(reference, source)
    tokenizer = _tokenizer_file(source.checkpoint)
    check_tokens(rows, tokenizer)
    train = source.splits.train
    num_threads = torch.get_num_threads()
    drawn = some_rows(len(train), limits.calibration_rows, seed=source.config.fit.seed)
    return Bench(
        folder=folder,
        limits=limits,
        reference=reference,
        training=source.rows([train[row] for row in drawn], "train", writes=False),
        tokenizer=tokenizer,
        writing=writing_of(rows, model) if source.kind.writes else None,
        where=placed(limits.target.provider, limits.target.provider_options, num_threads=num_threads),
        num_threads=num_threads,
    )


def _tokenizer_file(checkpoint: Path) -> Path:
    path = checkpoint / TOKENIZER
    if not path.is_file():
        raise ModelError(f"{path} is missing: the model's tokenizer has no fast form, which a bundle needs")
    return path


def _check_reference(reference: Reference, source: _Source) -> None:
    """A checkpoint that does not score as it was saved is not what was trained, however well a graph agrees with it."""
    trained = source.record.scores[f"validation/{reference.metric}"]
    loaded = reference.score(reference.found)
    is_text = reference.tally(reference.found) is reference.found.generated
    if abs(loaded - trained) > (MAX_TEXT_GAP if is_text else MAX_RELOAD_GAP) * max(1.0, abs(trained)):
        raise ModelError(
            f"{source.checkpoint}: loaded again it has a validation {reference.metric} of {loaded:.4f}, where "
            f"{trained:.4f} was measured in training; the checkpoint or its base model has changed"
        )


def _export(model: Any, bench: Bench) -> None:
    rows, folder, opset = bench.reference.rows, bench.of(FP32), bench.limits.opset
    match rows.kind:
        case Kind.causal:
            export_causal(model, folder, opset=opset)
        case Kind.encoder_decoder:
            export_encoder_decoder(model, folder, opset=opset)
        case _:
            inputs = PAIR_INPUTS if "token_type_ids" in rows.split.encoded.columns else INPUTS
            pooling = rows.task.pooling if isinstance(rows.task, Similarity) else None
            export_graph(model, folder, opset=opset, inputs=inputs, pooling=pooling)
            if bench.limits.target.is_static:
                make_static(folder, bench.limits.target)


def _pytorch_report(model: torch.nn.Module, checkpoint: Path, bench: Bench) -> VariantReport:
    weights = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
    checked = check(PyTorchRunner(model, bench.reference.rows), bench.reference, single=bench.reference.found)
    request = bench.request(checkpoint, pytorch=True)
    return report_of("pytorch", checked, request=request, size_mb=weights / 1e6, bench=bench)


def _manifest(source: _Source, bench: Bench, reports: Sequence[VariantReport]) -> dict[str, Any]:
    limits, settings = bench.limits, bench.settings
    config = source.config
    return {
        "task": config.task.name,
        "metric": config.task.metric,
        "direction": config.task.direction.value,
        "max_length": settings.max_length,
        "pad_id": settings.pad_id,
        "opset": limits.opset,
        "base_model": config.model.name_or_path,
        "base_revision": config.model.revision,
        "method": config.method.name,
        "data": config.data.name,
        "data_fingerprint": source.record.data_fingerprint,
        "num_validation_rows": len(source.splits.validation),
        "validation": {key: value for key, value in source.record.scores.items() if key.startswith("validation/")},
        "limits": {name: getattr(limits, name) for name in LIMITS},
        "objective": limits.objective.value,
        "variants": [report.as_dict() for report in reports],
        "config": source.record.config,
        "versions": versions(),
    }
