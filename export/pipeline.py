"""From a checkpoint to a bundle: merge, graph, quantize, verify, choose, write."""

# N rows, C classes

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import torch

from export.bundle import TOKENIZER, Bundle, write_bundle
from export.card import model_card
from export.config import OnnxExport, export_problems
from export.graph import INPUTS, OUTPUT, PAIR_INPUTS, export_graph
from export.pareto import draw_variants
from export.session import Text, TextSettings
from export.variants import FP32, Bench, measured_variants, report_of
from export.verify import Check, Reference, VariantReport, choose
from training.batches import collate
from training.checkpoint import CheckpointRecord, load_model, load_own_tokenizer, own_task, read_record, trial_config
from training.config import TrialConfig
from training.errors import ModelError
from training.generate import some_rows
from training.methods import method_of
from training.split import Splits, load_splits
from training.tasks.classification import Classification
from training.workbench import fingerprint, ready
from training.written import write_json

PACKAGES = ("slimtune", "torch", "transformers", "peft", "onnx", "onnxruntime", "tokenizers")
REPORT, PICTURE = "verification.json", "variants.png"
LIMITS = ("max_metric_drop", "min_agreement", "max_size_mb", "max_latency_ms")
# bf16 training and fp32 reloading may tell a few rows apart
MAX_RELOAD_GAP = 0.03


class Exported(NamedTuple):
    """What an export gave.

    Attributes:
        reports: PyTorch and every variant, measured.
        chosen: The variant in the bundle, or None if none is within the limits.
        bundle: The bundle, or None.
    """

    reports: list[VariantReport]
    chosen: VariantReport | None
    bundle: Bundle | None


class _Source(NamedTuple):
    checkpoint: Path
    record: CheckpointRecord
    config: TrialConfig
    splits: Splits

    @property
    def takes_pairs(self) -> bool:
        return self.config.data.text_pair_column is not None


def export_checkpoint(checkpoint: Path, limits: OnnxExport, folder: Path, *, facts: Mapping[str, Any]) -> Exported:
    """Export a checkpoint into `folder`: all variants, `verification.json`, and `bundle/` if a variant passed.

    Args:
        checkpoint: A trial's checkpoint folder.
        limits: What to try and what a variant may cost.
        folder: Where to write.
        facts: More entries for the manifest: scores, the source run.

    Raises:
        ModelError: The checkpoint cannot be read.
        DataError: Its validation rows cannot be read again, or have changed.
    """
    source = _open(checkpoint)
    if problems := export_problems(source.config):
        raise ModelError(f"{checkpoint}: {problems[0]}")
    folder.mkdir(parents=True, exist_ok=True)
    model = load_model(checkpoint)
    tokenizer = load_own_tokenizer(checkpoint)
    bench = Bench(
        folder=folder,
        limits=limits,
        reference=_reference(model, tokenizer, source),
        tokenizer=_tokenizer_file(checkpoint),
        settings=TextSettings(source.config.data.max_length, int(tokenizer.pad_token_id)),
        num_threads=torch.get_num_threads(),
        training_texts=_training_texts(source, limits.calibration_rows),
    )
    _check_reference(bench.reference, source)
    pytorch = _pytorch_report(model, checkpoint, bench)
    merged = method_of(source.config.method).merge(model)
    export_graph(merged, bench.file(FP32), opset=limits.opset, inputs=_inputs(bench.reference))
    reports = [pytorch, *measured_variants(bench)]
    write_json(folder / REPORT, [report.as_dict() for report in reports])
    draw_variants(reports, folder / PICTURE, min_agreement=limits.min_agreement)
    chosen = choose(reports[1:], limits.objective)
    if chosen is None:
        return Exported(reports, None, None)
    manifest = {**_manifest(source, bench, reports), "variant": chosen.name, **facts}
    bundle = write_bundle(
        folder / "bundle",
        model=bench.file(chosen.name),
        tokenizer=bench.tokenizer,
        manifest=manifest,
        card=model_card(manifest),
    )
    return Exported(reports, chosen, bundle)


def _open(checkpoint: Path) -> _Source:
    record = read_record(checkpoint)
    config = trial_config(record, checkpoint)
    splits = load_splits(config)
    if fingerprint(splits) != record.data_fingerprint:
        raise ModelError(
            f"{config.data.train_file} has changed since {checkpoint} was trained; its validation rows would no "
            "longer be rows that it has not seen: bring the file back, or train again"
        )
    return _Source(checkpoint, record, config, splits)


def _tokenizer_file(checkpoint: Path) -> Path:
    path = checkpoint / TOKENIZER
    if not path.is_file():
        raise ModelError(f"{path} is missing: the model's tokenizer has no fast form, which a bundle needs")
    return path


def _training_texts(source: _Source, count: int) -> list[Text]:
    """So many, drawn by the trial's seed."""
    examples = source.splits.train
    drawn = some_rows(len(examples), count, seed=source.config.fit.seed)
    return [examples[index].given(pairs=source.takes_pairs) for index in drawn]


@torch.inference_mode()
def _reference(model: torch.nn.Module, tokenizer: Any, source: _Source) -> Reference:
    """Row by row, as a model is used that nothing was done to."""
    task = own_task(source.checkpoint)
    assert isinstance(task, Classification)
    split = ready(source.splits.validation, task, tokenizer, config=source.config, name="validation")
    device = torch.device("cpu")
    batches = (collate(split, [row], pad_id=tokenizer.pad_token_id, device=device) for row in range(len(split)))
    logits_NC = torch.cat([task.logits(model, batch) for batch in batches])
    return Reference(
        task=task,
        split=split,
        takes_pairs=source.takes_pairs,
        logits_NC=logits_NC.numpy(),
        metric=source.config.task.metric,
        maximize=source.config.task.maximize,
    )


def _check_reference(reference: Reference, source: _Source) -> None:
    """A checkpoint that does not score as it was saved is not what was trained, however well a graph agrees with it."""
    trained = source.record.scores[f"validation/{reference.metric}"]
    loaded = reference.score(reference.logits_NC)
    if abs(loaded - trained) > MAX_RELOAD_GAP * max(1.0, abs(trained)):
        raise ModelError(
            f"{source.checkpoint}: loaded again it has a validation {reference.metric} of {loaded:.4f}, where "
            f"{trained:.4f} was measured in training; the checkpoint or its base model has changed"
        )


def _inputs(reference: Reference) -> tuple[str, ...]:
    return PAIR_INPUTS if "token_type_ids" in reference.split.encoded.columns else INPUTS


def _pytorch_report(model: torch.nn.Module, checkpoint: Path, bench: Bench) -> VariantReport:
    reference = bench.reference
    score = reference.score(reference.logits_NC)
    weights = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
    return report_of(
        "pytorch",
        Check(score, 0.0, 1.0, 0, 0.0, reference.logits_NC),
        model=checkpoint,
        size_mb=weights / 1e6,
        bench=bench,
    )


def _manifest(source: _Source, bench: Bench, reports: Sequence[VariantReport]) -> dict[str, Any]:
    limits, settings = bench.limits, bench.settings
    config = source.config
    return {
        "task": config.task.name,
        "metric": config.task.metric,
        "direction": config.task.direction.value,
        "labels": list(source.record.labels),
        "max_length": settings.max_length,
        "pad_id": settings.pad_id,
        "multi_label": bench.reference.task.multi_label,
        "takes_pairs": source.takes_pairs,
        "inputs": {name: ["batch", "sequence"] for name in _inputs(bench.reference)},
        "outputs": {OUTPUT: ["batch", len(source.record.labels)]},
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
        "versions": {name: version(name) for name in PACKAGES},
    }
