"""What the manifest of an export says."""

from collections.abc import Sequence
from dataclasses import replace

from slimtune.export.bundle.manifest import Manifest, Provenance, Training, Verification
from slimtune.export.bundle.variant_report import VariantReport
from slimtune.export.graph_names import FP32
from slimtune.export.manifest.environment import versions
from slimtune.export.manifest.interface import interface_of
from slimtune.export.verification.measured_variants import VariantSetup
from slimtune.training.checkpoints.checkpoint import Checkpoint


def exported_manifest(  # noqa: PLR0913
    checkpoint: Checkpoint,
    setup: VariantSetup,
    reports: Sequence[VariantReport],
    provenance: Provenance,
    *,
    num_rows: int,
    positions: int | None,
) -> Manifest:
    """The manifest of the fp32 graphs; what is bundled has a variant, graphs and a target of its own.

    Args:
        checkpoint: What was exported.
        setup: Where its variants lie, and the rows that they were compared on.
        reports: PyTorch and every variant, measured.
        provenance: Where the checkpoint comes from.
        num_rows: Of the validation split.
        positions: How many the model has; None is any number.
    """
    config, record = checkpoint.config, checkpoint.record
    training = Training(
        task=config.task.name,
        metric=config.task.metric,
        direction=config.task.direction.value,
        base_model=str(record.config["model"]["name_or_path"]),
        base_revision=config.model.revision,
        method=config.method.name,
        data=config.data.name,
        data_fingerprint=record.data_fingerprint,
        config=record.config,
    )
    verification = Verification(
        num_validation_rows=num_rows,
        validation={key: value for key, value in record.scores.items() if key.startswith("validation/")},
        limits=setup.config.limits,
        objective=setup.config.objective.value,
        variants=reports,
    )
    interface = interface_of(setup.reference.rows, setup.generation, positions=positions)
    return Manifest(
        # a text may be longer than all rows were
        interface=replace(interface, max_length=min(interface.max_length, setup.longest)),
        training=training,
        verification=verification,
        provenance=provenance,
        variant=FP32,
        opset=setup.config.opset,
        versions=versions(),
    )
