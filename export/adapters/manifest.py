"""What a folder of adapters says of itself: in its manifest, and for people."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from slimtune.export.adapters.base import SharedBase
from slimtune.export.adapters.source import AdapterSource
from slimtune.export.bundle.adapters_manifest import AdapterEntry, AdaptersManifest
from slimtune.export.bundle.interface import GenerationSettings, Interface, PromptSettings
from slimtune.export.bundle.model_card import predict_arguments
from slimtune.export.manifest.interface import PLAIN_NEW_TOKENS, generation_settings_of, interface_of
from slimtune.export.verification.reference import ComparedRows
from slimtune.training.data.batching import EncodedSplit, Targets
from slimtune.training.data.encoding import Encoded
from slimtune.training.listed_names import with_commas
from slimtune.training.markdown_text import markdown_text
from slimtune.training.models.positions import positions_of
from slimtune.training.tasks.causal_generation import num_end_tokens


def base_interface(base: SharedBase) -> Interface:
    """How the base alone is run."""
    interface = Interface(
        kind=base.kind,
        labels=base.labels or [],
        max_length=base.max_length,
        truncation_side=base.tokenizer.truncation_side,
        pad_id=int(base.tokenizer.pad_token_id),
    )
    return _of_plain_text(interface, base) if base.kind.writes else interface


def adapter_entry(base: SharedBase, source: AdapterSource) -> AdapterEntry:
    """How an adapter is run, and where it comes from; one that slimtune did not train is given single texts."""
    entry = AdapterEntry(
        interface=replace(base_interface(base), labels=_labels(base, source)),
        ranks=source.ranks,
        modules=source.modules,
        own_parameters=sorted(source.wholes),
        source=str(source.folder),
    )
    if source.trained is None:
        return entry
    scores = source.trained.record.scores
    rows = _rows(base, source)
    generation = generation_settings_of(rows, base.model) if base.kind.writes else None
    return replace(
        entry,
        interface=interface_of(rows, generation),
        task=source.trained.config.task.name,
        validation={key: value for key, value in scores.items() if key.startswith("validation/")},
    )


def _rows(base: SharedBase, source: AdapterSource) -> ComparedRows:
    """What the adapter was trained for, with the validation rows that are there: they tell whether it chats."""
    assert source.trained is not None
    config = source.trained.config
    split = EncodedSplit(Encoded({}, 0), Targets(None, np.empty(0)), source.validation)
    return ComparedRows(kind=base.kind, task=source.trained.task, split=split, tokenizer=base.tokenizer, config=config)


def _labels(base: SharedBase, source: AdapterSource) -> list[str]:
    """transformers' names where the head is the adapter's own, and nobody named its classes."""
    own = sorted(base.head & source.wholes.keys())
    return [f"LABEL_{number}" for number in range(len(source.wholes[own[0]]))] if own else base.labels or []


def _of_plain_text(interface: Interface, base: SharedBase) -> Interface:
    """With how text is generated after plain prompts."""
    return replace(
        interface,
        max_positions=positions_of(base.model).read,
        generation=GenerationSettings(
            max_new_tokens=PLAIN_NEW_TOKENS,
            pad_id=int(base.tokenizer.pad_token_id),
            end_ids=[] if base.tokenizer.eos_token_id is None else [int(base.tokenizer.eos_token_id)],
        ),
        prompt=PromptSettings(
            text_column="text",
            template=None,
            chat_template=None,
            special_tokens={},
            num_end_tokens=num_end_tokens(base.tokenizer),
            max_tokens=max(1, base.max_length - PLAIN_NEW_TOKENS),
            is_causal=True,
        ),
    )


def card(manifest: AdaptersManifest) -> str:
    """Markdown for people."""
    rows = [
        f"| {name} | {', '.join(str(rank) for rank in one.ranks)} | {len(one.modules)} "
        f"| {_cell(one.interface.labels)} |"
        for name, one in manifest.adapters.items()
    ]
    checks = [
        f"| {one.name} | {one.graph} | {one.num_rows} | {one.max_gap:.2e} | {one.agreement:.4f} |"
        for one in manifest.checks
    ]
    return "\n".join(
        [
            f"# {manifest.base_model} with {len(manifest.adapters)} adapters",
            "",
            f"`model.onnx` is the base in {manifest.precision}; an adapter is switched on for a request:",
            "",
            *(
                f"    slimtune predict --model <this folder> --adapter {name} {predict_arguments(one.interface)}"
                for name, one in manifest.adapters.items()
            ),
            "",
            "| adapter | rank | layers | labels |",
            "| --- | --- | --- | --- |",
            *rows,
            "",
            "Beside peft in PyTorch, in fp32:",
            "",
            "| adapter | base's weights | rows | largest gap | same answer |",
            "| --- | --- | --- | --- | --- |",
            *checks,
            "",
        ]
    )


def _cell(labels: Sequence[str]) -> str:
    return markdown_text(with_commas(labels)) or "-"
