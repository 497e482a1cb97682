"""What methods share that peft carries out: its model, its folder, its merge."""

import copy
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn
from transformers import PreTrainedModel

from slimtune.training.broken_files import BROKEN, fault_of
from slimtune.training.errors import ModelError
from slimtune.training.methods.modules import replace_module, saved_whole, silence_dropout, tensors_of
from slimtune.training.methods.peft_door import peft, peft_for
from slimtune.training.methods.peft_settings import read_adapter_settings

# how peft's warning begins where it leaves a tensor as it was drawn
MISSING = "Found missing adapter keys"


class ByPeft:
    """What methods have in common that peft carries out, as `slimtune.training.methods.protocol.Method` says."""

    shares_base = True

    def snapshot(self, model: Any) -> Mapping[str, torch.Tensor]:
        """As the protocol says."""
        return snapshot(model)

    def save(self, model: Any, folder: Path, state: Mapping[str, torch.Tensor] | None) -> None:
        """Write peft's own folder."""
        save(model, folder, snapshot(model) if state is None else state)

    def load(self, model: PreTrainedModel, folder: Path) -> nn.Module:
        """As the protocol says."""
        return load(model, folder)

    def merge(self, model: Any) -> Any:
        """As the protocol says."""
        return merge(model)


def wrapped(model: PreTrainedModel, settings: peft.PeftConfig) -> Any:
    """peft's model around the base, whose own dropout is silent; what is trained is in fp32."""
    silence_dropout(model)
    with _quiet(), peft_for(model):
        made = peft.get_peft_model(model, settings)
    for parameter in made.parameters():
        if parameter.requires_grad:
            # a base in bf16 gives its copies of whole modules in bf16; the optimizer's weights are fp32
            parameter.data = parameter.data.float()
    return made


def snapshot(model: Any) -> dict[str, torch.Tensor]:
    """Copies of what peft saves of its one adapter."""
    # before peft asks its modules for their state, by which the parts of a sharded model would come apart
    copies = {name: one.detach().clone() if one.requires_grad else one for name, one in tensors_of(model).items()}
    tensors = peft.get_peft_model_state_dict(model, copies, save_embedding_layers=False)
    return {name: tensor.detach().contiguous() for name, tensor in tensors.items()}


def save(model: Any, folder: Path, state: Mapping[str, torch.Tensor]) -> None:
    """Write peft's own folder (adapter_config.json, adapter_model.safetensors) of a snapshot.

    peft's `save_pretrained` would switch the model to inference for a moment, while it is trained on another thread.
    """
    write(folder, state, own_config(model))


def write(folder: Path, tensors: Mapping[str, torch.Tensor], config: peft.PeftConfig) -> None:
    """As peft does: what is loaded is not trained on."""
    config.inference_mode = True
    folder.mkdir(parents=True, exist_ok=True)
    save_file(dict(tensors), folder / peft.utils.SAFETENSORS_WEIGHTS_NAME, metadata={"format": "pt"})
    config.save_pretrained(str(folder))


def load(model: PreTrainedModel, folder: Path) -> nn.Module:
    """peft's model, in evaluation mode.

    Raises:
        ModelError: A file is missing or broken, or the weights lack a tensor that the settings ask for.
    """
    weights = folder / peft.utils.SAFETENSORS_WEIGHTS_NAME
    for path in (folder / peft.utils.CONFIG_NAME, weights):
        # peft would ask the hub for it
        if not path.is_file():
            raise ModelError(f"{path} is not there; bring it back, or train again")
    try:
        read_adapter_settings(folder / peft.utils.CONFIG_NAME)
    except BROKEN as error:
        raise ModelError(f"{folder / peft.utils.CONFIG_NAME} is broken: {fault_of(error)}; bring it back") from None
    with _quiet(), peft_for(model), _whole(weights):
        config = peft.PeftConfig.from_pretrained(str(folder))
        if getattr(config, "megatron_config", None):
            raise ModelError(f"{folder}: megatron_config has peft import what megatron_core names; save it without")
        if isinstance(config, peft.PromptLearningConfig):
            config.modules_to_save = _whole_in(folder, model)  # peft 0.21 takes it, and writes it nowhere
        return peft.PeftModel.from_pretrained(model, str(folder), config=config).eval()


@contextmanager
def _whole(weights: Path) -> Iterator[None]:
    """What peft only warns of, a tensor that the file lacks, would be one that nobody trained."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=MISSING)
        try:
            yield
        except UserWarning as warning:
            lacking = re.search(r"'([^']+)'", str(warning))
            raise ModelError(
                f"{weights} lacks {lacking[1] if lacking else 'tensors'}, which the base and {peft.utils.CONFIG_NAME} "
                "ask for; bring the whole file back, or give the base that it was trained on"
            ) from None


def _whole_in(folder: Path, model: PreTrainedModel) -> list[str] | None:
    """Modules that were saved whole beside a prompt, and that peft does not know by itself."""
    with safe_open(folder / peft.utils.SAFETENSORS_WEIGHTS_NAME, framework="pt") as file:
        names = [name for name in file.keys() if name != "prompt_embeddings"]  # noqa: SIM118  # no mapping
    return saved_whole(model, [], [name.removeprefix("base_model.") for name in names]) or None


def merge(model: Any) -> Any:
    """The base with the adapters added into its weights."""
    inner = model.base_model.model
    part: Any
    for name, part in list(inner.named_modules()):
        if isinstance(part, peft.utils.ModulesToSaveWrapper):
            # peft 0.21 unloads those of IA3 wrongly
            replace_module(inner, name, part.modules_to_save[str(part.active_adapter)])
    with peft_for(model):
        return model.merge_and_unload().eval()


def own_config(model: Any) -> Any:
    """A copy of the settings of the model's one adapter."""
    config = copy.deepcopy(model.peft_config["default"])
    config.base_model_name_or_path = model.get_base_model().name_or_path
    return config


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        # peft 0.21 asks transformers 5.23 for gradient checkpointing by its old name
        warnings.simplefilter("ignore", FutureWarning)
        # it sets what it warns of: layers of both kinds (GPT-2) warn either way
        warnings.filterwarnings("ignore", message="fan_in_fan_out is set to")
        yield
