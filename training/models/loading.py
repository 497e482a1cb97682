"""Base models and tokenizers from a folder, a package or the hub, and a fresh trainable copy for each trial."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from torch import nn
from transformers import AutoConfig, AutoTokenizer, PreTrainedModel

from slimtune.training.config.model import ModelConfig
from slimtune.training.errors import ModelError
from slimtune.training.methods.protocol import POOLERS
from slimtune.training.methods.quantized import keep_trainable, quantization_config, share_codes, shared_tensors
from slimtune.training.models import config_faults
from slimtune.training.models.architecture import WRITERS, from_pretrained, own_labels
from slimtune.training.models.generation_settings import settle_generation
from slimtune.training.models.head_classes import head_classes, head_parameters, num_rows, reorder
from slimtune.training.models.padding import settle_padding
from slimtune.training.models.place import check_weight_files, resolved_path
from slimtune.training.models.token_ids import check_token_ids
from slimtune.training.models.tokenizer_faults import check_has_tokens, lacking_token
from slimtune.training.models.weights import LoadedWeights, check_tied, check_values, loaded_weights


class Head(Protocol):
    """What a model ends with, as its task asks for it.

    Attributes:
        auto_class: transformers' class that has it.
        peft_task_type: peft's name of the task.
    """

    @property
    def auto_class(self) -> Any: ...

    @property
    def peft_task_type(self) -> str: ...

    def model_options(self) -> Mapping[str, object]:
        """Keyword arguments of `from_pretrained` for it."""
        ...


class Base(NamedTuple):
    """A loaded checkpoint.

    Attributes:
        model: In evaluation mode, on the device; never trained itself.
        new_keys: Parameters that the checkpoint lacks (the head), drawn anew for each trial.
        dtype: How its weights are stored, or were before they were quantized.
    """

    model: PreTrainedModel
    new_keys: frozenset[str]
    dtype: torch.dtype = torch.float32


def load_tokenizer(config: ModelConfig) -> Any:
    """The checkpoint's tokenizer, with a padding token.

    Raises:
        ModelError: There is none, or none that knows a word.
    """
    tokenizer = from_pretrained(AutoTokenizer, config)
    check_has_tokens(tokenizer, resolved_path(config), said=_said(config))
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


class CheckedModel(NamedTuple):
    """A model without its weights, which were looked at in its files.

    Attributes:
        model: On no device.
        weights: What is new in it, and what of its files it has no place for.
    """

    model: PreTrainedModel
    weights: LoadedWeights


def check_named(config: ModelConfig, head_type: str | None = None) -> None:
    """Whether a model's tokenizer and files can be used, whatever its head.

    Args:
        config: Where it lies.
        head_type: peft's name of the task; None if it is not known yet.

    Raises:
        ModelError: The folder, package or hub name does not lead to a tokenizer with a padding token, and weights in
            safetensors format.
    """
    tokenizer = load_tokenizer(config)
    if (lacking := lacking_token(tokenizer, head_type)) is not None:
        raise ModelError(f"{_said(config)}, {lacking}")
    folder = Path(resolved_path(config))
    if folder.is_dir():
        check_weight_files(folder)


def check_model(config: ModelConfig, head: Head) -> CheckedModel:
    """The model without its weights, so that wrong names are found before a sweep starts.

    Raises:
        ModelError: The folder, package or hub name does not lead to a model with the head, a tokenizer with a padding
            token, and weights in safetensors format that are all the model's.
    """
    check_named(config, head.peft_task_type)
    # refuses by a clear word what has no such head
    made = _without_weights(config, head)
    said = _said(config)
    if head.peft_task_type in WRITERS:
        embeddings: Any = made.get_input_embeddings()
        check_token_ids(Path(resolved_path(config)), embeddings.num_embeddings, said=said)
    config_faults.check_shares(from_pretrained(AutoConfig, config), said=said)
    config_faults.check_generation_file(Path(resolved_path(config)), said=said)
    model, info = from_pretrained(
        head.auto_class,
        config,
        device_map="meta",
        use_safetensors=True,
        output_loading_info=True,
        ignore_mismatched_sizes=True,
        **head.model_options(),
    )
    weights = loaded_weights(model, info, said=said, peft_task_type=head.peft_task_type)
    weights, _ = _of_classes(model, weights, config, head)
    check_tied(model, Path(resolved_path(config)), said=said)
    check_values(model, Path(resolved_path(config)), said=said)
    settle_generation(model, said=said)
    return CheckedModel(model, weights)


def _said(config: ModelConfig) -> str:
    return f"model.name_or_path is '{config.name_or_path}'"


def _without_weights(config: ModelConfig, head: Head) -> PreTrainedModel:
    settings = from_pretrained(AutoConfig, config)
    try:
        with torch.device("meta"):
            build: Any = head.auto_class.from_config
            model: PreTrainedModel = build(settings, trust_remote_code=config.trust_remote_code)
    except Exception as error:  # noqa: BLE001
        # any: a config that does not hold together fails wherever it is read; nothing here takes memory
        fault = config_faults.told(error, resolved_path(config), head.auto_class)
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(f"{_said(config)}: {fault or reason}") from None
    return model


def load_base(
    config: ModelConfig,
    head: Head,
    *,
    dtype: torch.dtype,
    device: torch.device,
    pad_token_id: int,
) -> Base:
    """Load the checkpoint with the task's head.

    Args:
        config: Where it lies.
        head: Of its task.
        dtype: How the weights are stored.
        device: Where they are kept.
        pad_token_id: Of the tokenizer.

    Raises:
        ModelError: The checkpoint cannot be found or read, is not in safetensors format, or is not the model's.
    """
    model, info = from_pretrained(
        head.auto_class,
        config,
        dtype=dtype,
        attn_implementation=config.attention.asked,
        use_safetensors=True,
        output_loading_info=True,
        ignore_mismatched_sizes=True,
        **head.model_options(),
        **_quantization(config, head, dtype=dtype, device=device),
    )
    said = _said(config)
    weights = loaded_weights(model, info, said=said, peft_task_type=head.peft_task_type)
    weights, order = _of_classes(model, weights, config, head)
    if order:
        reorder(model, order)
    check_values(model, Path(resolved_path(config)), said=said)
    settle_padding(model, pad_token_id, said=said)
    settle_generation(model, said=said)
    model.config.use_cache = False
    if config.quantization is None:
        model = model.to(device)
    else:
        share_codes(model)
        keep_trainable(model)
    return Base(model.eval(), weights.new, dtype)


def _of_classes(
    model: PreTrainedModel, weights: LoadedWeights, config: ModelConfig, head: Head
) -> tuple[LoadedWeights, Sequence[int]]:
    """What is new where the checkpoint's head is of other classes; else the order that its classes are to have."""
    parameters = head_parameters(model)
    if weights.new & parameters or not parameters:
        return weights, ()
    found = head_classes(own_labels(config), head.model_options(), num_rows=num_rows(model))
    new = weights.new | (parameters if found.is_other else frozenset())
    return weights._replace(new=new, of_head=found.note), found.order


def _quantization(config: ModelConfig, head: Head, *, dtype: torch.dtype, device: torch.device) -> dict[str, Any]:
    """Options of `from_pretrained` for a quantized base."""
    if config.quantization is None:
        return {}
    skip = unquantized(_without_weights(config, head))
    settings = quantization_config(config.quantization.value, double=config.double_quantization, dtype=dtype, skip=skip)
    return {"quantization_config": settings, "device_map": {"": device}}


def unquantized(model: PreTrainedModel) -> list[str]:
    """Linear layers that keep their precision: the head, the output embedding, and BERT's pooler."""
    inner = f"{model.base_model_prefix}." if hasattr(model, model.base_model_prefix) else ""
    output: Any = model.get_output_embeddings()  # type: ignore[no-untyped-call]
    linear = [(name, part) for name, part in model.named_modules() if isinstance(part, nn.Linear)]
    return [
        name
        for name, part in linear
        if not name.startswith(inner) or set(name.split(".")) & set(POOLERS) or part is output
    ]


def trial_copy(base: Base, *, share_weights: bool) -> PreTrainedModel:
    """A model of its own for one trial, its head drawn anew from torch's global generator.

    Args:
        base: What to copy.
        share_weights: Keep the base's tensors (they stay frozen); otherwise they are copied too.
    """
    kept: dict[int, torch.Tensor] = {
        id(parameter): parameter
        for name, parameter in base.model.named_parameters()
        if share_weights and name not in base.new_keys
    }
    if share_weights:
        kept |= {id(tensor): tensor for tensor in shared_tensors(base.model)}
    model = copy.deepcopy(base.model, kept)
    _draw_head(model, base.new_keys)
    return model


def taken(base: Base) -> PreTrainedModel:
    """The base itself, for a trial that no other one comes after, its head drawn anew."""
    _draw_head(base.model, base.new_keys)
    return base.model


def _draw_head(model: PreTrainedModel, new_keys: frozenset[str]) -> None:
    owners = sorted({name.rpartition(".")[0] for name in new_keys})
    for name in new_keys:
        # transformers skips parameters that carry this mark
        setattr(model.get_parameter(name), "_is_hf_initialized", False)  # noqa: B010
    for owner in owners:
        model._init_weights(model.get_submodule(owner))  # type: ignore[no-untyped-call]
