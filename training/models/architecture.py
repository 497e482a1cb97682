"""What a checkpoint's config says of it, without its weights."""

from pathlib import Path
from typing import Any, NamedTuple

import transformers
from transformers import AutoConfig, AutoTokenizer
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

from slimtune.training.broken_files import text_of_error
from slimtune.training.config.model import ModelConfig, needed_by_drawn
from slimtune.training.errors import ModelError
from slimtune.training.hub_connection import why_unreachable
from slimtune.training.models import config_faults
from slimtune.training.models.place import check_fetched, folder_on_disk, out_of_reach, resolved_path

# peft's names of the tasks whose models write text
WRITERS = ("CAUSAL_LM", "SEQ_2_SEQ_LM")


class Architecture(NamedTuple):
    """What a checkpoint that writes text is built like.

    Attributes:
        is_encoder_decoder: Whether it reads a text and writes another.
        max_positions: Longest row in tokens; None if there is no limit.
    """

    is_encoder_decoder: bool
    max_positions: int | None


def architecture_of(config: ModelConfig) -> Architecture:
    """Whether a checkpoint that is to write text is causal or an encoder-decoder.

    Raises:
        ModelError: It is an encoder, which writes none.
    """
    settings = from_pretrained(AutoConfig, config)
    is_encoder_decoder = bool(getattr(settings, "is_encoder_decoder", False))
    masked = settings.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES
    if masked and not is_encoder_decoder and not getattr(settings, "is_decoder", False):
        raise ModelError(
            f"model.name_or_path is '{config.name_or_path}', an encoder ({settings.model_type}), which writes no text; "
            "use a causal model or an encoder-decoder, or a small one made from your rows: model=tiny_llama "
            f"{needed_by_drawn()} (`slimtune init --data <your rows>` writes all of it)"
        )
    return Architecture(is_encoder_decoder, getattr(settings, "max_position_embeddings", None))


def own_task_type(config: ModelConfig) -> str | None:
    """peft's name of what a checkpoint was saved for, with its head; None if it is another task or none.

    Raises:
        ModelError: There is no such checkpoint.
    """
    classes = getattr(from_pretrained(AutoConfig, config), "architectures", None) or [""]
    known = {"ForSequenceClassification": "SEQ_CLS", "ForCausalLM": "CAUSAL_LM", "LMHeadModel": "CAUSAL_LM"}
    return next((task for ending, task in known.items() if classes[0].endswith(ending)), None)


def own_labels(config: ModelConfig) -> list[str]:
    """Names of the classes in a checkpoint's config, in the order of their ids; two that mean nothing if it has none.

    Raises:
        ModelError: There is no such checkpoint.
    """
    names = from_pretrained(AutoConfig, config).id2label
    return [str(names[number]) for number in sorted(names)]


def check_causal(config: ModelConfig) -> None:
    """Whether a checkpoint predicts next tokens.

    Raises:
        ModelError: It does not.
    """
    if architecture_of(config).is_encoder_decoder:
        raise ModelError(
            f"model.name_or_path is '{config.name_or_path}', an encoder-decoder; this task needs a causal model"
        )


def from_pretrained(auto_class: Any, config: ModelConfig, **options: Any) -> Any:
    path = resolved_path(config)
    check_fetched(config)
    # its report of the new head and its progress bars would tear the live table
    transformers.utils.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    unreachable = None if Path(path).is_dir() else why_unreachable()
    if unreachable is not None:
        # what was downloaded before is taken, and nothing is waited for
        options["local_files_only"] = True
    if auto_class is not AutoTokenizer:
        # else what the checkpoint's own config says would go before what is asked for, and may need a package
        options["_attn_implementation"] = options.get("attn_implementation")
    try:
        return auto_class.from_pretrained(
            path, revision=config.revision, trust_remote_code=config.trust_remote_code, **options
        )
    except Exception as error:
        # any: what a foreign folder breaks has no narrower name, but for memory that is too small
        folder = folder_on_disk(config)
        if folder is not None and (unread := config_faults.unread_weights(error, folder)) is not None:
            raise ModelError(f"model.name_or_path is '{config.name_or_path}': {unread}") from error
        if isinstance(error, RuntimeError | MemoryError):
            raise
        if (fault := config_faults.told(error, path)) is not None:
            raise ModelError(f"model.name_or_path is '{config.name_or_path}': {fault}") from error
        if unreachable is not None:
            raise out_of_reach(config, unreachable) from error
        reason = text_of_error(error, 300)
        raise ModelError(
            f"model.name_or_path is '{config.name_or_path}': {reason} "
            "(give a local folder with config.json and model.safetensors, or a hub name that can be reached)"
        ) from error
