"""What can be told before a trial takes its first step."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn

from slimtune.training.config.fit import AUTO, FitConfig
from slimtune.training.config.method import MethodConfig
from slimtune.training.config.task import ExtractionTask, GenerationTask, LanguageModellingTask, SimilarityTask
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.batching import EncodedSplit
from slimtune.training.data.least_new_tokens import least_new_tokens
from slimtune.training.errors import ConfigError, ModelError
from slimtune.training.hardware.memory import check_need, check_weights, need_of
from slimtune.training.hardware.resources import Resources
from slimtune.training.methods import method_of
from slimtune.training.models.activation_checkpointing import check_checkpointing
from slimtune.training.models.generation_settings import GONE, asked_beyond, start_id_of
from slimtune.training.models.packed_rows import lacks_positions, new_of, refuses_packed_rows
from slimtune.training.models.padding import padding_notes, settle_padding
from slimtune.training.models.positions import Positions, positions_of
from slimtune.training.models.row_independence import check_alone
from slimtune.training.tasks import Task
from slimtune.training.tasks.causal_generation import num_end_tokens
from slimtune.training.tracking.display import warned
from slimtune.training.workbench.augmentation import check_augmentation
from slimtune.training.workbench.drawn_weights import rate_note
from slimtune.training.workbench.first_pass import MOST_PARAMETERS, check_first_pass, has_own_code
from slimtune.training.workbench.prepared_data import PreparedData
from slimtune.training.workbench.row_plan import not_packed
from slimtune.training.workbench.unknown_tokens import check_known
from slimtune.training.workbench.workbench import Workbench, bytes_per_weight


def check_trial(config: TrialConfig, bench: Workbench, resources: Resources) -> None:
    """Before the trial has a model of its own.

    Raises:
        ConfigError: The loss compares the rows of a batch, which is to be taken apart.
        MemoryError: A copy of the base does not fit.
    """
    check_coupling(bench.task, config.fit)
    longest = int(bench.splits["train"].encoded.lengths().max())
    check_virtual_tokens(config.method, positions_of(bench.base.model), longest=longest)
    if not method_of(config.method).shares_base and not config.fit.fsdp:
        check_weights(bench.base.model, 4, resources.device, most_mb=config.fit.max_memory_mb)


def check_coupling(task: Task, fit: FitConfig) -> None:
    """Whether a batch stays whole, where the loss compares its rows.

    Raises:
        ConfigError: It is to be taken apart.
    """
    if task.couples_rows and (fit.rows_at_once < fit.batch_size or fit.devices > 1):
        key, value = ("micro_batch_size", fit.rows_at_once) if fit.devices == 1 else ("devices", fit.devices)
        raise ConfigError(
            [
                f"fit.{key} is {value}, and the loss compares all rows of a batch ({fit.batch_size}) with each other; "
                f"use {AUTO if fit.devices == 1 else 1}"
            ]
        )


def check_fits(data: PreparedData, resources: Resources) -> None:
    """Whether the base fits, and what full fine-tuning takes for a row: other methods take what their size says.

    Raises:
        ModelError: It does not.
    """
    config, longest = data.config, int(data.encoded["train"].encoded.lengths().max())
    device, most = resources.device, config.fit.max_memory_mb
    try:
        check_weights(data.model, bytes_per_weight(config, resources), device, most_mb=most)
        if not method_of(config.method).shares_base and not config.fit.fsdp:
            check_memory(data.model, config.fit, resources, tokens=longest)
    except MemoryError as error:
        raise ModelError(f"{_said(data)}: {error}") from None


def model_checks(data: PreparedData) -> Iterator[Callable[[], object]]:
    """What the model must be for these rows, each by itself.

    Each raises a UserError, which says what does not fit.
    """
    config, model = data.config, data.model
    positions = positions_of(model)
    yield from method_checks(data)
    yield partial(check_length, data, positions)
    if config.data.max_length >= least_length(data):
        yield partial(check_known, data.encoded, data.tokenizer, said=_said(data))
    yield partial(check_alone, model, max_length=config.data.max_length, said=_said(data))
    yield from checks_without_rows(data)
    if isinstance(config.task, GenerationTask):
        yield partial(check_answers_end, data)
    if config.fit.augment is not None:
        yield partial(check_augmentation, config, data.task, data.tokenizer, data.encoded["train"])
    if config.fit.row_packing is True:
        yield partial(check_packing, data)
    if has_own_code(data):
        yield partial(check_first_pass, data)


def method_checks(data: PreparedData) -> Iterator[Callable[[], object]]:
    """What these rows and this model allow a method and its training; each raises a UserError."""
    config, model = data.config, data.model
    longest = int(data.encoded["train"].encoded.lengths().max())
    yield partial(method_of(config.method).check, model, data.task.peft_task_type)
    yield partial(check_coupling, data.task, config.fit)
    if config.fit.gradient_checkpointing:
        yield partial(check_checkpointing, model)
    yield partial(check_virtual_tokens, config.method, positions_of(model), longest=longest)


def checks_without_rows(data: PreparedData) -> Iterator[Callable[[], object]]:
    """What the model must be for the task, whatever the rows; each raises a UserError."""
    yield partial(check_vocabulary, data)
    yield partial(settle_padding, data.model, int(data.tokenizer.pad_token_id), said=_said(data))
    if isinstance(data.config.task, GenerationTask):
        yield partial(check_generation, data, positions_of(data.model))


def model_notes(data: PreparedData) -> list[str]:
    """What a person should know of the model before training it; asked before `model_checks` settle the padding."""
    length, positions = data.config.data.max_length, positions_of(data.model)
    beyond = positions.read is not None and length > positions.read
    note = f"data.max_length={length} is more than the {positions.read} tokens that the model was made for"
    padding = padding_notes(data.model, int(data.tokenizer.pad_token_id))
    model: Any = data.model
    rate = rate_note(data.config, model.num_parameters())
    return [*data.weights.notes(), *padding, *([note] if beyond else []), *([warned(rate)] if rate else [])]


def check_packing(data: PreparedData) -> None:
    """Whether a model can do what `fit.row_packing=true` asks for.

    One that is too large to be made with new weights for this is asked when its first trial begins, and so is attention
    that does not run on a CPU.

    Raises:
        ConfigError: It cannot.
    """
    model: Any = data.model
    reason = lacks_positions(model)
    if not data.encoded["train"].targets.next_token:
        reason = f"a {model.config.model_type} reads the prompt apart from the answer"
    elif reason is None and model.num_parameters() <= MOST_PARAMETERS:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            reason = refuses_packed_rows(new_of(model))
    if reason is not None:
        raise ConfigError([not_packed(reason)])


def check_virtual_tokens(method: MethodConfig, positions: Positions, *, longest: int) -> None:
    """Whether virtual tokens leave room for the rows.

    Raises:
        ConfigError: They do not.
    """
    num_virtual, most = getattr(method, "num_virtual_tokens", 0), positions.read
    if most is not None and num_virtual > 0 and longest + num_virtual > most:
        raise ConfigError(
            [
                f"method.num_virtual_tokens is {num_virtual}, and rows have up to {longest} tokens, together more than "
                f"the model's {most} positions; use data.max_length={most - num_virtual}"
            ]
        )


def check_length(data: PreparedData, positions: Positions) -> None:
    """Whether rows are cut where the model ends, and something is left of them.

    Raises:
        ConfigError: `data.max_length` is too large or too small.
    """
    length, least = data.config.data.max_length, least_length(data)
    for most, names in ((positions.read, ("input_ids", "pair_input_ids")), (positions.written, ("labels",))):
        if positions.is_table and most is not None and _longest(data, names) > most:
            raise ConfigError(
                [f"data.max_length is {length}, more than the model's {most} positions; use data.max_length={most}"]
            )
    if length < least:
        raise ConfigError(
            [f"data.max_length is {length}, which leaves nothing of a row; this model and task need at least {least}"]
        )


def _longest(data: PreparedData, names: Sequence[str]) -> int:
    """Most tokens that a row has of these columns, after it was cut."""
    columns = [split.encoded.columns[name] for split in data.encoded.values() for name in names if _has(split, name)]
    return max((int(column.lengths().max()) for column in columns), default=0)


def _has(split: EncodedSplit, name: str) -> bool:
    return name in split.encoded.columns


def least_length(data: PreparedData) -> int:
    """Tokens with which a row has one of each text beside the special ones, and an answer."""
    task, pairs = data.task, data.config.data.text_pair_column is not None
    if isinstance(data.config.task, LanguageModellingTask):
        return 2
    joined = pairs and not isinstance(data.config.task, SimilarityTask)
    special = int(data.tokenizer.num_special_tokens_to_add(pair=joined))
    if task.peft_task_type == "CAUSAL_LM":
        # what stands behind a text is left out of a prompt; an answer has a token and its end
        return special - num_end_tokens(data.tokenizer) + 3
    return special + (2 if joined or isinstance(data.config.task, ExtractionTask) else 1)


def check_vocabulary(data: PreparedData) -> None:
    """Whether the model has a vector for every token.

    Raises:
        ModelError: It has not.
    """
    embeddings: Any = data.model.get_input_embeddings()
    last = max(data.tokenizer.get_vocab().values())
    if last >= embeddings.num_embeddings:
        token = data.tokenizer.convert_ids_to_tokens(last)
        raise ModelError(
            f"{_said(data)}: its tokenizer has tokens up to {last} ({token!r}), and its embedding has "
            f"{embeddings.num_embeddings} rows, so text with such a token fails; save the tokenizer of this model, or "
            f"resize it (resize_token_embeddings({last + 1}))"
        )


def check_generation(data: PreparedData, positions: Positions) -> None:
    """Whether PyTorch can write answers as it is asked.

    Raises:
        ModelError: The model's settings ask for what is no more, or do not say how an answer begins.
        ConfigError: Answers are longer than the model.
    """
    own, task = data.model.generation_config, data.config.task
    assert isinstance(task, GenerationTask)
    if gone := asked_beyond(own, GONE):
        raise ModelError(
            f"{_said(data)}: its generation_config.json has {gone}, which transformers does not do by itself; "
            "take it out"
        )
    if data.model.config.is_encoder_decoder and start_id_of(data.model) is None:
        raise ModelError(f"{_said(data)}: its config names no decoder_start_token_id; set it in config.json")
    most = positions.written if data.model.config.is_encoder_decoder else positions.read
    # one place at least is the prompt's, or the start's
    if most is not None and positions.is_table and task.max_new_tokens >= most:
        raise ConfigError(
            [
                f"task.max_new_tokens is {task.max_new_tokens}, and the model has {most} positions for a start and the "
                f"answer; use task.max_new_tokens={most - 1} at most"
            ]
        )


def check_answers_end(data: PreparedData) -> None:
    """Whether an answer may have as many tokens as the model's settings ask for, beside the longest of these rows.

    Raises:
        ConfigError: It may not, and would be cut off each time.
    """
    own, task = data.model.generation_config, data.config.task
    assert isinstance(task, GenerationTask)
    is_causal = not data.model.config.is_encoder_decoder
    least = least_new_tokens(
        own.min_length or 0, own.min_new_tokens, before=_longest(data, ["input_ids"]) if is_causal else 1
    )
    if least > task.max_new_tokens:
        key = "min_length" if own.min_new_tokens is None else "min_new_tokens"
        raise ConfigError(
            [
                f"task.max_new_tokens is {task.max_new_tokens}, and the model's generation_config.json has "
                f"{key}={getattr(own, key)}, so no answer could end; use task.max_new_tokens={least} or more, or lower "
                f"{key} there"
            ]
        )


def _said(data: PreparedData) -> str:
    return f"model.name_or_path is '{data.config.model.name_or_path}'"


def check_memory(model: nn.Module, fit: FitConfig, resources: Resources, *, tokens: int) -> None:
    """What is taken beside the model that is there; for a row at a time, if more need not fit.

    Raises:
        MemoryError: It does not fit.
    """
    rows = 1 if fit.micro_batch_size == AUTO else fit.rows_at_once
    need = need_of(model, fit, rows=rows, tokens=tokens)
    check_need(need, resources.device, most_mb=fit.max_memory_mb)
