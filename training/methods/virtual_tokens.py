"""What prompt and prefix tuning share: vectors before the text, and the new head."""

from torch import nn
from transformers import PreTrainedModel

from slimtune.training.errors import ConfigError, ModelError
from slimtune.training.methods import peft_method
from slimtune.training.methods.modules import saved_whole
from slimtune.training.methods.peft_door import peft
from slimtune.training.methods.protocol import HEADS, Setting

WIDTHS = {"hidden_size", "n_embd", "d_model"}


def prepared(model: PreTrainedModel, settings: peft.PromptLearningConfig, setting: Setting) -> nn.Module:
    """peft's model with fresh virtual tokens; layers that the checkpoint lacked are trained whole."""
    known = model.config.to_dict()
    if not WIDTHS & known.keys():
        # peft looks for the names that most families use
        settings.token_dim, settings.num_layers = model.config.hidden_size, model.config.num_hidden_layers
        settings.num_attention_heads = model.config.num_attention_heads
    whole = saved_whole(model, [], setting.new_keys)
    if whole:
        # peft 0.21 adds the heads that it knows to these
        settings.modules_to_save = whole
    wrapped: nn.Module = peft_method.wrapped(model, settings)
    return wrapped


def unfit(model: PreTrainedModel, name: str, why: str) -> ConfigError:
    """What a check answers where virtual tokens do not reach the answer."""
    family = model.config.model_type
    return ConfigError([f"method.name is {name}, which does not fit a {family} with this task: {why}; use method=lora"])


def is_decoder_classifier(model: PreTrainedModel, peft_task_type: str) -> bool:
    """Whether the class is read at the last token of a causal model."""
    return peft_task_type == "SEQ_CLS" and any(hasattr(model, head) for head in HEADS[1:])


def unmergeable(name: str) -> ModelError:
    """What merging answers."""
    return ModelError(
        f"method {name}: virtual tokens cannot be added into the weights; export a model of method=lora, or keep the "
        "checkpoint in PyTorch"
    )
