"""What a folder of adapters says of itself: in its manifest, and for people."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from slimtune.export.adapters.base import SharedBase
from slimtune.export.adapters.source import AdapterSource
from slimtune.export.manifest import PLAIN_NEW_TOKENS, answers, writing_of
from slimtune.export.runtime.generation_session import Writing
from slimtune.export.runtime.prompter import Prompting
from slimtune.export.verification.reference import Rows
from slimtune.training.data.batching import Split, Targets
from slimtune.training.data.encoding import Encoded
from slimtune.training.data.splits import load_splits
from slimtune.training.errors import UserError
from slimtune.training.tasks import task_of
from slimtune.training.tasks.causal_generation import num_end_tokens


def base_facts(base: SharedBase) -> dict[str, Any]:
    """How the base alone is run."""
    return {
        "labels": base.labels,
        "multi_label": False,
        "takes_pairs": False,
        "max_length": base.max_length,
        **(_plain_text(base) if base.kind.writes else {}),
    }


def adapter_facts(base: SharedBase, source: AdapterSource) -> dict[str, Any]:
    """How an adapter is run, and where it comes from; one that slimtune did not train is given single texts."""
    facts = base_facts(base) | {
        "labels": _labels(base, source),
        "ranks": source.ranks,
        "modules": source.modules,
        "own_parameters": sorted(source.wholes),
        "source": str(source.folder),
    }
    if source.trained is None:
        return facts
    record, config = source.trained
    scores = {key: value for key, value in record.scores.items() if key.startswith("validation/")}
    trained = {"task": config.task.name, "max_length": config.data.max_length, "validation": scores}
    rows = _rows(base, source)
    writing = writing_of(rows, base.model) if base.kind.writes else None
    return facts | dict(answers(rows, writing)) | trained


def _rows(base: SharedBase, source: AdapterSource) -> Rows:
    """What the adapter was trained for, with the validation rows that are there: they tell whether it chats."""
    assert source.trained is not None
    record, config = source.trained
    try:
        examples = load_splits(config).validation
    except UserError:
        examples = []
    split = Split(Encoded({}, 0), Targets(None, np.empty(0)), examples)
    task = task_of(config, labels=record.labels)
    return Rows(kind=base.kind, task=task, split=split, tokenizer=base.tokenizer, config=config)


def _labels(base: SharedBase, source: AdapterSource) -> list[str]:
    """transformers' names where the head is the adapter's own, and nobody named its classes."""
    own = sorted(base.head & source.wholes.keys())
    return [f"LABEL_{number}" for number in range(len(source.wholes[own[0]]))] if own else base.labels or []


def _plain_text(base: SharedBase) -> dict[str, Any]:
    """How text is written after plain prompts."""
    positions = getattr(base.model.config, "max_position_embeddings", None)
    writing = Writing(
        max_new_tokens=PLAIN_NEW_TOKENS,
        pad_id=int(base.tokenizer.pad_token_id),
        end_ids=[] if base.tokenizer.eos_token_id is None else [int(base.tokenizer.eos_token_id)],
    )
    prompting = Prompting(
        text_column="text",
        template=None,
        chat_template=None,
        special_tokens={},
        num_end_tokens=num_end_tokens(base.tokenizer),
        max_tokens=max(1, base.max_length - PLAIN_NEW_TOKENS),
        is_causal=True,
    )
    return {"max_positions": positions, "generation": writing._asdict(), "prompt": prompting._asdict()}


def card(facts: Mapping[str, Any]) -> str:
    """Markdown for people."""
    rows = [
        f"| {name} | {', '.join(str(rank) for rank in one['ranks'])} | {len(one['modules'])} "
        f"| {', '.join(one['labels'] or []) or '-'} |"
        for name, one in facts["adapters"].items()
    ]
    checks = [
        f"| {one['name']} | {one['graph']} | {one['num_rows']} | {one['max_gap']:.2e} | {one['agreement']:.4f} |"
        for one in facts["checks"]
    ]
    return "\n".join(
        [
            f"# {facts['base_model']} with {len(facts['adapters'])} adapters",
            "",
            f"`model.onnx` is the base in {facts['precision']}; an adapter is switched on for a request:",
            "",
            '    slimtune predict --model <this folder> --adapter <name> --text "..."',
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
