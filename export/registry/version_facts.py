"""What the registry says of a version: its tags, its description, the packages that serve it."""

import hashlib
import json
from collections.abc import Mapping
from typing import NamedTuple

from slimtune.export.bundle.adapter_folder import AdapterFolder
from slimtune.export.bundle.adapters_manifest import AdapterEntry
from slimtune.export.bundle.bundle import CARD, Bundle
from slimtune.export.bundle.model_card import title
from slimtune.export.graph_names import Kind
from slimtune.training.listed_names import with_commas
from slimtune.training.markdown_text import markdown_text

# what can be a version
Registrable = Bundle | AdapterFolder
REQUIREMENTS = ("jinja2", "numpy", "omegaconf", "onnxruntime", "pandas", "tokenizers")
GENAI_REQUIREMENTS = ("onnxruntime-genai",)
MEASURED = ("score", "metric_drop", "agreement", "size_mb", "latency_ms")


class VersionFacts(NamedTuple):
    """What a person reads of a version on the registry's page.

    Attributes:
        purpose: Of the model, in a line.
        tags: Short values by name; where it comes from and what was measured.
        description: Markdown.
    """

    purpose: str
    tags: Mapping[str, str]
    description: str


def digest_of(model: Registrable) -> str:
    """sha256 of its files' hashes: the same folder is the same version."""
    content = json.dumps(dict(model.manifest.files), sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def facts_of(model: Registrable, name: str) -> VersionFacts:
    """Of a bundle, a folder for onnxruntime-genai, or a folder of adapters.

    Args:
        model: What is registered.
        name: Of the registered model.
    """
    return _facts_of_adapters(model, name) if isinstance(model, AdapterFolder) else _facts_of_bundle(model, name)


def packages_of(model: Registrable) -> tuple[str, ...]:
    """That its server needs."""
    is_genai = isinstance(model, Bundle) and model.kind is Kind.genai
    return REQUIREMENTS + (GENAI_REQUIREMENTS if is_genai else ())


def _facts_of_bundle(bundle: Bundle, name: str) -> VersionFacts:
    manifest = bundle.manifest
    known, training = manifest.provenance, manifest.training
    purpose = f"Labels: {with_commas(bundle.labels)}" if bundle.labels else training.task.replace("_", " ")
    lineage = {
        "source_run": known.source_run,
        "parent_run": known.parent_run,
        "sweep": known.sweep,
        "trial": None if known.trial is None else str(known.trial),
        "base_model": training.base_model,
        "data_sha256": training.data_fingerprint,
    }
    tags = {"variant": manifest.variant, "metric": training.metric, **_measured(bundle)}
    tags |= {key: value for key, value in lineage.items() if value}
    return VersionFacts(purpose, tags, _card(bundle, name))


def _measured(bundle: Bundle) -> dict[str, str]:
    if bundle.manifest.genai is not None:
        numbers = {name: value for name, value in bundle.manifest.genai.items() if isinstance(value, float)}
    else:
        report = bundle.manifest.report.as_dict()
        numbers = {name: report[name] for name in MEASURED}
    return {name: f"{value:z.4g}" for name, value in numbers.items()}


def _facts_of_adapters(model: AdapterFolder, model_name: str) -> VersionFacts:
    manifest = model.manifest
    names = with_commas(model.names)
    tags = {"adapters": names, "base_model": manifest.base_model, "precision": manifest.precision}
    rows = [
        f"| {markdown_text(name)} | {markdown_text(entry.task or '')} | {markdown_text(_scores(entry))} |"
        for name, entry in manifest.adapters.items()
    ]
    table = "\n".join(["| adapter | task | validation |", "| -- | -- | -- |", *rows])
    head = f"# {markdown_text(model_name)}: one base with {len(model.names)} adapters\n\nBase: {manifest.base_model}."
    return VersionFacts(f"Adapters: {names}", tags, f"{head}\n\n{table}\n")


def _scores(entry: AdapterEntry) -> str:
    return ", ".join(f"{key} {value:z.4g}" for key, value in entry.validation.items())


def _card(bundle: Bundle, name: str) -> str:
    """The bundle's own, under the name of the registered model: one sweep's bundle may have several names."""
    card = bundle.folder / CARD
    text = card.read_text(encoding="utf-8") if card.is_file() else ""
    rest = text.partition("\n")[2] if text.startswith("# ") else text
    return f"{title(bundle.manifest, name)}\n{rest}"
