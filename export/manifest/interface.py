"""How a trained model is run, from its task, its config and its rows."""

from dataclasses import replace
from typing import Any

from slimtune.export.bundle.interface import GenerationSettings, Interface, PromptSettings
from slimtune.export.graph_names import Kind
from slimtune.export.verification.reference import ComparedRows
from slimtune.training.config.task import GenerationTask
from slimtune.training.data.prompt_template import halves
from slimtune.training.errors import ModelError
from slimtune.training.models.generation_settings import GONE, PYTORCH_ONLY, asked_beyond, end_ids, start_id_of
from slimtune.training.tasks.causal_generation import Causal, num_end_tokens

# longest answer of a model of plain text
PLAIN_NEW_TOKENS = 64


def interface_of(
    rows: ComparedRows, generation: GenerationSettings | None, *, positions: int | None = None
) -> Interface:
    """How the model of these rows is run; how it generates, if it does, and what it has positions for."""
    common = Interface(
        kind=rows.kind,
        labels=list(rows.task.labels),
        max_length=rows.config.data.max_length,
        truncation_side=rows.truncation_side,
        pad_id=int(rows.tokenizer.pad_token_id),
        takes_pairs=rows.takes_pairs,
    )
    if rows.kind.writes:
        assert generation is not None
        positions = getattr(rows.task, "max_positions", positions)
        return replace(common, max_positions=positions, generation=generation, prompt=prompt_settings_of(rows))
    return replace(common, **rows.task.export_settings(rows.tokenizer))


def generation_settings_of(rows: ComparedRows, model: Any) -> GenerationSettings:
    """How text is generated, from the task's config and the model's own settings.

    Raises:
        ModelError: The model asks for something that changes its text and that an exported model does not do.
    """
    own = model.generation_config
    if beyond := asked_beyond(own, {**PYTORCH_ONLY, **GONE}):
        raise ModelError(
            f"the model's generation_config has {beyond}, which an exported model does not do; take it out of the "
            "base's generation_config.json, or use export=none"
        )
    tokenizer, task = rows.tokenizer, rows.config.task
    is_causal = rows.kind is Kind.causal
    forced_end = own.forced_eos_token_id
    return GenerationSettings(
        max_new_tokens=task.max_new_tokens if isinstance(task, GenerationTask) else PLAIN_NEW_TOKENS,
        pad_id=int(tokenizer.pad_token_id),
        end_ids=end_ids(tokenizer, own),
        start_id=None if is_causal else start_id_of(model),
        # before a prompt it would have no place
        forced_start_id=None if is_causal else own.forced_bos_token_id,
        forced_end_id=forced_end[0] if isinstance(forced_end, list) else forced_end,
        min_length=own.min_length or 0,
        min_new_tokens=own.min_new_tokens,
    )


def prompt_settings_of(rows: ComparedRows) -> PromptSettings:
    """How rows like these become prompts."""
    config, tokenizer = rows.config, rows.tokenizer
    data, is_causal = config.data, rows.kind is Kind.causal
    template = None if data.text_template is None else halves(data.text_template, data.target_column).prompt
    has_chats = any(example.messages for example in rows.split.examples)
    return PromptSettings(
        text_column=data.text_column,
        template=template,
        chat_template=tokenizer.get_chat_template() if has_chats and is_causal else None,
        special_tokens={name: str(token) for name, token in tokenizer.special_tokens_map.items()} if has_chats else {},
        num_end_tokens=num_end_tokens(tokenizer) if is_causal else 0,
        max_tokens=_most_tokens(rows),
        is_causal=is_causal,
        truncation_side=tokenizer.truncation_side,
    )


def _most_tokens(rows: ComparedRows) -> int:
    if isinstance(rows.task, Causal):
        return rows.task.max_prompt_tokens
    longest = rows.config.data.max_length
    return longest if rows.kind is Kind.encoder_decoder else longest - 1
