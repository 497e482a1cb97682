"""What a manifest says of a model: how it is asked, and what it answers."""

from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import onnx

from slimtune.export.config import TargetConfig
from slimtune.export.graph_names import Kind
from slimtune.export.runtime.execution import Placed
from slimtune.export.runtime.generation_session import Writing
from slimtune.export.runtime.prompter import Prompter, Prompting
from slimtune.export.variants.build import graphs
from slimtune.export.verification.reference import Rows
from slimtune.training.config.task import GenerationConfig
from slimtune.training.data.prompt_template import halves
from slimtune.training.errors import ModelError
from slimtune.training.tasks.causal_generation import Causal, num_end_tokens
from slimtune.training.tasks.classification import Classification
from slimtune.training.tasks.extraction import Extraction
from slimtune.training.tasks.similarity import Similarity

PACKAGES = ("slimtune", "torch", "transformers", "peft", "onnx", "onnxruntime", "tokenizers")
# how far a model of plain text goes on
PLAIN_NEW_TOKENS = 64
# settings of transformers' generation that change what is written, with the value that changes nothing
PLAIN = {
    "no_repeat_ngram_size": 0,
    "encoder_no_repeat_ngram_size": 0,
    "repetition_penalty": 1.0,
    "encoder_repetition_penalty": 1.0,
    "min_length": 0,
    "min_new_tokens": None,
    "bad_words_ids": None,
    "suppress_tokens": None,
    "begin_suppress_tokens": None,
    "sequence_bias": None,
    "exponential_decay_length_penalty": None,
}


def answers(rows: Rows, writing: Writing | None) -> Mapping[str, Any]:
    """The manifest's entries for what the model is given and gives back; how it writes, if it does."""
    common = {"kind": rows.kind.value, "labels": list(rows.task.labels)}
    match rows.task:
        case Classification(multi_label=multi_label):
            return {**common, "multi_label": multi_label, "takes_pairs": rows.takes_pairs}
        case Extraction() as task:
            room = task.max_length - rows.tokenizer.num_special_tokens_to_add()
            return {**common, "tags": list(task.tags), "stride": min(task.stride, room // 2)}
        case Similarity() as task:
            return {**common, "pooling": task.pooling.value}
        case _:
            assert writing is not None
            positions = getattr(rows.task, "max_positions", None)
            prompt = _prompting(rows)._asdict()
            return {**common, "max_positions": positions, "generation": writing._asdict(), "prompt": prompt}


def writing_of(rows: Rows, model: Any) -> Writing:
    """How text is written, from the task's config and the model's own settings.

    Raises:
        ModelError: The model asks for something that changes its text and that is not done here.
    """
    own = model.generation_config
    asked = {name: getattr(own, name, plain) for name, plain in PLAIN.items()}
    foreign = {name: value for name, value in asked.items() if value not in (None, PLAIN[name])}
    if foreign:
        settings = ", ".join(f"{name}={value}" for name, value in foreign.items())
        raise ModelError(
            f"the model's generation_config has {settings}, which an exported model does not do; take it out of the "
            "base's generation_config.json, or use export=none"
        )
    tokenizer, task = rows.tokenizer, rows.config.task
    start = own.decoder_start_token_id
    if start is None:
        start = getattr(model.config, "decoder_start_token_id", None)
    return Writing(
        max_new_tokens=task.max_new_tokens if isinstance(task, GenerationConfig) else PLAIN_NEW_TOKENS,
        pad_id=int(tokenizer.pad_token_id),
        end_ids=[int(tokenizer.eos_token_id)],
        start_id=None if rows.kind is Kind.causal else start,
        forced_start_id=own.forced_bos_token_id,
    )


def prompter_of(rows: Rows, tokenizer: Path) -> Prompter:
    """Makes prompts as a bundle will."""
    return Prompter(tokenizer, _prompting(rows))


def _prompting(rows: Rows) -> Prompting:
    config, tokenizer = rows.config, rows.tokenizer
    data, is_causal = config.data, rows.kind is Kind.causal
    template = None if data.text_template is None else halves(data.text_template, data.target_column).prompt
    has_chats = any(example.messages for example in rows.split.examples)
    return Prompting(
        text_column=data.text_column,
        template=template,
        chat_template=tokenizer.chat_template if has_chats else None,
        special_tokens={name: str(token) for name, token in tokenizer.special_tokens_map.items()} if has_chats else {},
        num_end_tokens=num_end_tokens(tokenizer) if is_causal else 0,
        max_tokens=_most_tokens(rows),
        is_causal=is_causal,
    )


def _most_tokens(rows: Rows) -> int:
    if isinstance(rows.task, Causal):
        return rows.task.max_prompt_tokens
    longest = rows.config.data.max_length
    return longest if rows.kind is Kind.encoder_decoder else longest - 1


def built_for(target: TargetConfig, where: Placed) -> dict[str, Any]:
    """What a bundle was built for, and where it was run to be verified."""
    return {**asdict(target), "ran_on": where.execution.provider, "note": where.note}


def versions() -> dict[str, str]:
    """Of the packages that had a part in it."""
    return {name: version(name) for name in PACKAGES}


def ports(folder: Path) -> dict[str, Any]:
    """Inputs and outputs of each graph of a folder, with their shapes; a name is a size that may vary."""
    found = {}
    for path in graphs(folder):
        graph = onnx.load(path, load_external_data=False).graph
        found[path.name] = {
            "inputs": {item.name: _shape(item) for item in graph.input},
            "outputs": {item.name: _shape(item) for item in graph.output},
        }
    return found


def _shape(item: onnx.ValueInfoProto) -> list[str | int]:
    return [size.dim_param or int(size.dim_value) for size in item.type.tensor_type.shape.dim]
