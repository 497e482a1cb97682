"""Base models and tokenizers from a folder, a package or the hub, and a fresh trainable copy for each trial."""

import copy
import os
from pathlib import Path
from typing import Any, NamedTuple

import torch
import transformers
from torch import nn
from transformers import AutoConfig, AutoTokenizer, PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

from training.config import ModelConfig
from training.errors import ModelError
from training.locate import locate
from training.methods.protocol import POOLERS
from training.methods.quantized import keep_trainable, quantization_config, share_codes, shared_tensors
from training.tasks.protocol import Task

# peft's names of the tasks whose models write text
WRITERS = ("CAUSAL_LM", "SEQ_2_SEQ_LM")


class Kind(NamedTuple):
    """What a checkpoint's config says of it.

    Attributes:
        is_encoder_decoder: Whether it reads a text and writes another.
        max_positions: Longest row in tokens; None if there is no limit.
    """

    is_encoder_decoder: bool
    max_positions: int | None


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
    tokenizer = _from_pretrained(AutoTokenizer, config)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def kind_of(config: ModelConfig) -> Kind:
    """Whether a checkpoint that is to write text is causal or an encoder-decoder.

    Raises:
        ModelError: It is an encoder, which writes none.
    """
    settings = _from_pretrained(AutoConfig, config)
    is_encoder_decoder = bool(getattr(settings, "is_encoder_decoder", False))
    masked = settings.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES
    if masked and not is_encoder_decoder and not getattr(settings, "is_decoder", False):
        raise ModelError(
            f"model.name_or_path is '{config.name_or_path}', an encoder ({settings.model_type}), which writes no text; "
            "use a causal model or an encoder-decoder"
        )
    return Kind(is_encoder_decoder, getattr(settings, "max_position_embeddings", None))


def own_task_type(config: ModelConfig) -> str | None:
    """peft's name of what a checkpoint was saved for, with its head; None if it is another task or none.

    Raises:
        ModelError: There is no such checkpoint.
    """
    classes = getattr(_from_pretrained(AutoConfig, config), "architectures", None) or [""]
    known = {"ForSequenceClassification": "SEQ_CLS", "ForCausalLM": "CAUSAL_LM", "LMHeadModel": "CAUSAL_LM"}
    return next((task for ending, task in known.items() if classes[0].endswith(ending)), None)


def own_labels(config: ModelConfig) -> list[str]:
    """Names of the classes in a checkpoint's config, in the order of their ids; two that mean nothing if it has none.

    Raises:
        ModelError: There is no such checkpoint.
    """
    names = _from_pretrained(AutoConfig, config).id2label
    return [str(names[number]) for number in sorted(names)]


def check_causal(config: ModelConfig) -> None:
    """Whether a checkpoint predicts next tokens.

    Raises:
        ModelError: It does not.
    """
    if kind_of(config).is_encoder_decoder:
        raise ModelError(
            f"model.name_or_path is '{config.name_or_path}', an encoder-decoder; this task needs a causal model"
        )


def check_model(config: ModelConfig, task: Task) -> PreTrainedModel:
    """The model without its weights, so that wrong names are found before a sweep starts.

    Raises:
        ModelError: The folder, package or hub name does not lead to a model of the task, a tokenizer with a padding
            token, and weights in safetensors format.
    """
    tokenizer = load_tokenizer(config)
    if tokenizer.pad_token_id is None:
        raise ModelError(f"model.name_or_path is '{config.name_or_path}', whose tokenizer has no token to pad with")
    if task.peft_task_type in WRITERS and tokenizer.eos_token_id is None:
        raise ModelError(f"model.name_or_path is '{config.name_or_path}', whose tokenizer has no end-of-sequence token")
    folder = Path(resolved_path(config))
    if folder.is_dir() and not list(folder.glob("*.safetensors")):
        raise ModelError(f"{folder} has no *.safetensors; save the model with safe_serialization=True")
    return _without_weights(config, task)


def _without_weights(config: ModelConfig, task: Task) -> PreTrainedModel:
    settings = _from_pretrained(AutoConfig, config)
    try:
        with torch.device("meta"):
            build: Any = task.auto_class.from_config
            model: PreTrainedModel = build(settings, trust_remote_code=config.trust_remote_code)
    except ValueError as error:
        raise ModelError(f"model.name_or_path is '{config.name_or_path}': {str(error).splitlines()[0]}") from None
    return model


def load_base(
    config: ModelConfig,
    task: Task,
    *,
    dtype: torch.dtype,
    device: torch.device,
    pad_token_id: int,
) -> Base:
    """Load the checkpoint with the task's head.

    Args:
        config: Where it lies; its attention is not `auto`.
        task: Its head.
        dtype: How the weights are stored.
        device: Where they are kept.
        pad_token_id: Of the tokenizer, for models that name none.

    Raises:
        ModelError: The checkpoint cannot be found or read, or is not in safetensors format.
    """
    model, info = _from_pretrained(
        task.auto_class,
        config,
        dtype=dtype,
        attn_implementation=str(config.attention.value),
        use_safetensors=True,
        output_loading_info=True,
        ignore_mismatched_sizes=True,
        **task.model_options(),
        **_quantization(config, task, dtype=dtype, device=device),
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


def _quantization(config: ModelConfig, task: Task, *, dtype: torch.dtype, device: torch.device) -> dict[str, Any]:
    """Options of `from_pretrained` for a quantized base."""
    if config.quantization is None:
        return {}
    skip = unquantized(_without_weights(config, task))
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


def resolved_path(config: ModelConfig) -> str:
    """What `from_pretrained` takes: a folder or a hub name.

    Raises:
        ModelError: A package or a folder that does not exist.
    """
    try:
        path = locate(config.name_or_path or "")
    except FileNotFoundError as error:
        raise ModelError(f"model.name_or_path: {error}") from None
    looks_like_path = path.startswith((".", "/", "~")) or path.count("/") > 1
    path = os.path.expanduser(path)
    if looks_like_path and not Path(path).is_dir():
        raise ModelError(f"model.name_or_path is '{path}', which is not a folder; give a folder with a config.json")
    return path


def _from_pretrained(auto_class: Any, config: ModelConfig, **options: Any) -> Any:
    path = resolved_path(config)
    # its report of the new head and its progress bars would tear the live table
    transformers.utils.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        return auto_class.from_pretrained(
            path, revision=config.revision, trust_remote_code=config.trust_remote_code, **options
        )
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ModelError(
            f"model.name_or_path is '{config.name_or_path}': {reason} "
            "(give a local folder with config.json and model.safetensors, or a hub name that can be reached)"
        ) from error
