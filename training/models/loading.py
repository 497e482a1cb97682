"""Base models and tokenizers from a folder, a package or the hub, and a fresh trainable copy for each trial."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from torch import nn
from transformers import AutoConfig, AutoTokenizer, PreTrainedModel

from slimtune.training.config.model import ModelConfig
from slimtune.training.errors import ModelError
from slimtune.training.methods.protocol import POOLERS
from slimtune.training.methods.quantized import keep_trainable, quantization_config, share_codes, shared_tensors
from slimtune.training.models.architecture import WRITERS, from_pretrained, resolved_path


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
        ModelError: There is none.
    """
    tokenizer = from_pretrained(AutoTokenizer, config)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def check_model(config: ModelConfig, head: Head) -> PreTrainedModel:
    """The model without its weights, so that wrong names are found before a sweep starts.

    Raises:
        ModelError: The folder, package or hub name does not lead to a model with the head, a tokenizer with a padding
            token, and weights in safetensors format.
    """
    tokenizer = load_tokenizer(config)
    if tokenizer.pad_token_id is None:
        raise ModelError(f"model.name_or_path is '{config.name_or_path}', whose tokenizer has no token to pad with")
    if head.peft_task_type in WRITERS and tokenizer.eos_token_id is None:
        raise ModelError(f"model.name_or_path is '{config.name_or_path}', whose tokenizer has no end-of-sequence token")
    folder = Path(resolved_path(config))
    if folder.is_dir() and not list(folder.glob("*.safetensors")):
        raise ModelError(f"{folder} has no *.safetensors; save the model with safe_serialization=True")
    return _without_weights(config, head)


def _without_weights(config: ModelConfig, head: Head) -> PreTrainedModel:
    settings = from_pretrained(AutoConfig, config)
    try:
        with torch.device("meta"):
            build: Any = head.auto_class.from_config
            model: PreTrainedModel = build(settings, trust_remote_code=config.trust_remote_code)
    except ValueError as error:
        raise ModelError(f"model.name_or_path is '{config.name_or_path}': {str(error).splitlines()[0]}") from None
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
        config: Where it lies; its attention is not `auto`.
        head: Of its task.
        dtype: How the weights are stored.
        device: Where they are kept.
        pad_token_id: Of the tokenizer, for models that name none.

    Raises:
        ModelError: The checkpoint cannot be found or read, or is not in safetensors format.
    """
    model, info = from_pretrained(
        head.auto_class,
        config,
        dtype=dtype,
        attn_implementation=str(config.attention.value),
        use_safetensors=True,
        output_loading_info=True,
        ignore_mismatched_sizes=True,
        **head.model_options(),
        **_quantization(config, head, dtype=dtype, device=device),
    )
    new_keys = set(info["missing_keys"]) | {str(mismatch[0]) for mismatch in info["mismatched_keys"]}
    if model.config.pad_token_id is None:
        model.config.pad_token_id = pad_token_id
    model.config.use_cache = False
    if config.quantization is None:
        model = model.to(device)
    else:
        share_codes(model)
        keep_trainable(model)
    return Base(model.eval(), frozenset(new_keys), dtype)


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
