"""Bottleneck adapters: small networks behind the sub-layers of a frozen transformer; peft has none."""

# I features of the layer, R of the bottleneck

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from slimtune.training.config.method import Activation, AdaptersMethod, Placement
from slimtune.training.errors import ConfigError, ModelError
from slimtune.training.methods.modules import check_names, is_named, replace_module, saved_whole, silence_dropout
from slimtune.training.methods.protocol import HEADS, Setting

WEIGHTS, CONFIG = "adapters.safetensors", "adapters.json"
# the last layer of each attention and of each feed-forward network, by family
ATTENTION_OUTPUTS: dict[str, tuple[str, ...]] = {
    "bert": ("attention.output.dense",),
    "roberta": ("attention.output.dense",),
    "deberta-v2": ("attention.output.dense",),
    "distilbert": ("attention.out_lin",),
    "modernbert": ("attn.Wo",),
    "gpt2": ("attn.c_proj",),
    "t5": ("SelfAttention.o", "EncDecAttention.o"),
    "bart": ("self_attn.out_proj", "encoder_attn.out_proj"),
}
FEED_FORWARD_OUTPUTS: dict[str, tuple[str, ...]] = {
    "bert": ("output.dense",),
    "roberta": ("output.dense",),
    "deberta-v2": ("output.dense",),
    "distilbert": ("ffn.lin2",),
    "modernbert": ("mlp.Wo",),
    "gpt2": ("mlp.c_proj",),
    "t5": ("DenseReluDense.wo",),
    "bart": ("fc2",),
}
ACTIVATIONS: dict[Activation, Callable[[torch.Tensor], torch.Tensor]] = {
    Activation.relu: functional.relu,
    Activation.gelu: functional.gelu,
    Activation.silu: functional.silu,
}
# Llama's shape, which most decoders have
LLAMA_ATTENTION, LLAMA_FEED_FORWARD = ("self_attn.o_proj",), ("mlp.down_proj",)


class Bottleneck(nn.Module):
    """`x + up(activation(down(x)))`; its first output is x, since `up` begins at zero.

    Source: Houlsby et al. 2019, https://arxiv.org/abs/1902.00751, section 2.1.

    Args:
        width: I.
        config: Size and shape.
    """

    def __init__(self, width: int, config: AdaptersMethod) -> None:
        super().__init__()
        size = max(1, round(width / config.reduction_factor))
        self.down, self.up = nn.Linear(width, size), nn.Linear(size, width)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)
        self._activation = ACTIVATIONS[config.activation]
        self._dropout = config.dropout

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Shape and dtype of `x` (..., I)."""
        low = self._activation(functional.linear(x.to(self.down.weight.dtype), self.down.weight, self.down.bias))
        change = functional.linear(low, self.up.weight.to(low.dtype), self.up.bias.to(low.dtype))
        return x + functional.dropout(change, self._dropout, training=self.training).to(x.dtype)


class Adapted(nn.Module):
    """A frozen layer with an adapter on its output."""

    def __init__(self, layer: nn.Module, adapter: Bottleneck) -> None:
        super().__init__()
        self.layer, self.adapter = layer, adapter

    def __getattr__(self, name: str) -> Any:
        # models look at a layer's weight, e.g. for its dtype
        return getattr(self.layer, name) if name in ("weight", "bias") else super().__getattr__(name)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The layer's output, changed by the adapter."""
        output: torch.Tensor = self.adapter(self.layer(x))
        return output


class Adapters(NamedTuple):
    """As `slimtune.training.methods.protocol.Method` says."""

    config: AdaptersMethod
    shares_base: bool = True

    def check(self, model: PreTrainedModel, peft_task_type: str) -> None:
        """Whether the sub-layers are known, and the modules to save are there."""
        _places(model, self.config.placement)
        check_names(model, self.config.modules_to_save, key="method.modules_to_save")

    def prepare(self, model: PreTrainedModel, setting: Setting) -> nn.Module:
        """Put fresh adapters into the model itself."""
        silence_dropout(model)
        model.requires_grad_(requires_grad=False)
        whole = saved_whole(model, self.config.modules_to_save, setting.new_keys)
        self._insert(model)
        for name, part in list(model.named_modules()):
            if any(is_named(name, one) for one in (*whole, *_heads(setting))):
                _own(part)
        return model

    def _insert(self, model: PreTrainedModel) -> None:
        for name in _places(model, self.config.placement):
            layer: Any = model.get_submodule(name)
            adapter = Bottleneck(_width(layer), self.config).to(layer.weight.device)
            replace_module(model, name, Adapted(layer, adapter))

    def snapshot(self, model: Any) -> Mapping[str, torch.Tensor]:
        """As the protocol says."""
        trained = [(name, one) for name, one in model.named_parameters() if one.requires_grad]
        return {name: one.detach().clone() for name, one in trained}

    def save(self, model: Any, folder: Path, state: Mapping[str, torch.Tensor] | None) -> None:
        """Write what is trained, by its name in the model, and the shape of the adapters."""
        tensors = state if state is not None else self.snapshot(model)
        save_file({name: one.contiguous() for name, one in tensors.items()}, folder / WEIGHTS)
        shape = {**asdict(self.config), "base_model_name_or_path": model.name_or_path}
        (folder / CONFIG).write_text(json.dumps(shape, indent=1, default=lambda choice: choice.value))

    def load(self, model: PreTrainedModel, folder: Path) -> nn.Module:
        """As the protocol says.

        Raises:
            ModelError: The folder lacks an adapter, or has one for another model.
        """
        self._insert(model)
        tensors = load_file(folder / WEIGHTS)
        wanted = {name for name, _ in model.named_parameters() if ".adapter." in name}
        known = model.state_dict()
        strange = [name for name in tensors if name not in known or known[name].shape != tensors[name].shape]
        if strange or not wanted <= tensors.keys():
            which = (strange or sorted(wanted - tensors.keys()))[0]
            raise ModelError(f"{folder / WEIGHTS} does not fit the base model at {which}; take the base it was made on")
        model.load_state_dict(tensors, strict=False)
        loaded: nn.Module = model.eval()  # type: ignore[no-untyped-call]
        return loaded

    def merge(self, model: Any) -> Any:
        """The model as it is: what is not linear cannot be added into weights, so the adapters stay as layers."""
        return model.eval()


def _heads(setting: Setting) -> tuple[str, ...]:
    return HEADS if setting.peft_task_type in ("SEQ_CLS", "TOKEN_CLS") else ()


def _own(part: nn.Module) -> None:
    """Let a module be trained: its tensors may be the base's, and those stay as they are."""
    for module in part.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            setattr(module, name, nn.Parameter(parameter.detach().float().clone()))


def _places(model: PreTrainedModel, placement: Placement) -> list[str]:
    """Names of the layers that get an adapter, in the order of the model.

    Raises:
        ConfigError: The family is not known.
    """
    family = model.config.model_type
    outputs = FEED_FORWARD_OUTPUTS.get(family, LLAMA_FEED_FORWARD)
    attentions = ATTENTION_OUTPUTS.get(family, LLAMA_ATTENTION)
    names = [name for name, _ in model.named_modules()]
    # BERT's attention has an output.dense of its own
    places = {name for name in names if _ends(name, outputs) and not _ends(name, attentions)}
    if not places:
        known = ", ".join(sorted({*FEED_FORWARD_OUTPUTS, "llama and its like"}))
        raise ConfigError([f"method.name is adapters, whose places in a {family} are not known; known: {known}"])
    if placement is Placement.houlsby:
        places |= {name for name in names if _ends(name, attentions)}
    return [name for name in names if name in places]


def _ends(name: str, endings: tuple[str, ...]) -> bool:
    return any(is_named(name, ending) for ending in endings)


def _width(layer: Any) -> int:
    return int(layer.nf if isinstance(layer, Conv1D) else layer.out_features)
