"""The base that adapters share: loaded once, with an adapter by peft for comparison, and as a graph."""

# C classes

import copy
import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import onnx
import torch
from torch import nn
from transformers import PreTrainedModel

from slimtune.export.adapters.source import AdapterSource
from slimtune.export.graph_names import INPUTS, MODEL, PAIR_INPUTS, Kind
from slimtune.export.graphs.causal_graph import export_causal
from slimtune.export.graphs.encoder_graph import export_graph
from slimtune.export.graphs.lora_inputs import (
    AdapterInputs,
    ReplaceableParameter,
    add_lora_inputs,
    module_of,
    open_parameters,
)
from slimtune.export.graphs.tracing import save_graph
from slimtune.training.broken_files import fault_of
from slimtune.training.config.model import Attention, ModelConfig
from slimtune.training.errors import ModelError
from slimtune.training.methods import peft_method
from slimtune.training.models.architecture import check_causal, own_labels
from slimtune.training.models.loading import Base, load_base, load_tokenizer, trial_copy
from slimtune.training.models.place import check_place
from slimtune.training.models.positions import positions_of
from slimtune.training.tasks import Task
from slimtune.training.tasks.classification import Classification
from slimtune.training.tasks.language_modelling import LanguageModelling

TYPES = PAIR_INPUTS[-1]


class SharedBase(NamedTuple):
    """A base in fp32 on the CPU.

    Attributes:
        kind: What its adapters answer.
        loaded: transformers' model, and the parameters that its checkpoint lacks.
        tokenizer: transformers'.
        head: Parameters whose first dimension is that of the classes; empty where there are none.
    """

    kind: Kind
    loaded: Base
    tokenizer: Any
    head: frozenset[str]

    @property
    def model(self) -> Any:
        """transformers' model."""
        return self.loaded.model

    @property
    def labels(self) -> list[str] | None:
        """What it answers alone; None if its checkpoint has no trained head, or it answers no labels."""
        if self.kind is not Kind.labels or not self.head or self.head & self.loaded.new_keys:
            return None
        return [str(self.model.config.id2label[number]) for number in sorted(self.model.config.id2label)]

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of an encoder's inputs."""
        return PAIR_INPUTS if TYPES in self.tokenizer.model_input_names and _takes(self.model, TYPES) else INPUTS

    @property
    def max_length(self) -> int:
        """Longest row in tokens."""
        limits = (self.tokenizer.model_max_length, positions_of(self.model).read)
        return int(min(limit for limit in (*limits, 1 << 20) if limit))


def base_config(base: str, revision: str | None) -> ModelConfig:
    """A base as the section `model` of a config would name it."""
    return ModelConfig(
        name_or_path=base,
        scratch=None,
        seed=0,
        revision=revision,
        attention=Attention.eager,
        quantization=None,
        double_quantization=False,
        trust_remote_code=False,
    )


def check_named_base(config: ModelConfig) -> None:
    """Whether there is a base, before anything is compared with it.

    Raises:
        ModelError: The folder, package or hub name leads to none.
    """
    try:
        check_place(config)
    except ModelError as error:
        raise ModelError(str(error).replace("model.name_or_path", "--base")) from error


def load_shared(config: ModelConfig, kind: Kind) -> SharedBase:
    """Load the base with the head of a kind.

    Raises:
        ModelError: It cannot be read, or writes no text where adapters are to.
    """
    tokenizer = load_tokenizer(config)
    if getattr(tokenizer, "backend_tokenizer", None) is None:
        raise ModelError(f"--base {config.name_or_path}: its tokenizer has no fast form, which the runtime needs")
    task = _task(config, kind)
    device = torch.device("cpu")
    with torch.random.fork_rng(devices=[]):
        # a head that the checkpoint lacks is drawn, and is to be the same every time
        torch.manual_seed(0)
        loaded = load_base(config, task, dtype=torch.float32, device=device, pad_token_id=tokenizer.pad_token_id)
    if kind is Kind.causal and loaded.new_keys:
        raise ModelError(
            f"--base {config.name_or_path} lacks {', '.join(sorted(loaded.new_keys))}; adapters that write need a "
            "causal model"
        )
    return SharedBase(kind, loaded, tokenizer, _head(loaded.model, task) if kind is Kind.labels else frozenset())


def _task(config: ModelConfig, kind: Kind) -> Task:
    if kind is Kind.causal:
        check_causal(config)
        return LanguageModelling(block_size=1)
    return Classification(labels=tuple(own_labels(config)))


def _head(model: PreTrainedModel, task: Task) -> frozenset[str]:
    """Parameters that have another shape with one class more."""
    config = copy.deepcopy(model.config)
    config.num_labels = len(task.labels) + 1
    with torch.device("meta"):
        other = task.auto_class.from_config(config)
    shapes = {name: parameter.shape for name, parameter in other.named_parameters()}
    return frozenset(name for name, parameter in model.named_parameters() if shapes[name] != parameter.shape)


def check_base_fits(base: SharedBase, source: AdapterSource) -> None:
    """Whether an adapter's tensors are of the base's shapes.

    Raises:
        ModelError: One is not, or there is no head to answer with.
    """
    parameters = base.model.named_parameters(remove_duplicate=False)
    shapes = {name: tuple(parameter.shape) for name, parameter in parameters}
    for module in source.modules:
        down, up = (source.updates[f"{module}.lora_{side}.weight"].shape for side in "AB")
        own = shapes.get(f"{module}.weight")
        if own is None or sorted(own) != sorted((down[1], up[0])):
            raise _misfit(source, f"updates '{module}' of {down[1]} by {up[0]}", own)
    for name, tensor in source.wholes.items():
        own = shapes.get(name)
        given = tuple(tensor.shape[1:]) if name in base.head else tuple(tensor.shape)
        if own is None or given != (own[1:] if name in base.head else own):
            raise _misfit(source, f"has its own '{name}' of shape {tuple(tensor.shape)}", own)
    # of sequence classification peft saves the head always
    needed = base.head if source.settings.get("task_type") == "SEQ_CLS" else base.head & base.loaded.new_keys
    if missing := sorted(needed - source.wholes.keys()):
        raise ModelError(
            f"adapter {source.name} ({source.folder}) has no '{missing[0]}', without which peft cannot load it over "
            "this base; save it again with the head in modules_to_save"
        )


def _misfit(source: AdapterSource, what: str, own: Sequence[int] | None) -> ModelError:
    has = "has no such layer" if own is None else f"has it as {tuple(own)}"
    return ModelError(f"adapter {source.name} ({source.folder}) {what}, and the base {has}; give the base of its own")


def adapted(base: SharedBase, source: AdapterSource) -> nn.Module:
    """The base with an adapter by peft, in evaluation mode; all but the adapter's own tensors are the base's."""
    model: Any = trial_copy(base.loaded, share_weights=True)
    for name in base.head & source.wholes.keys():
        _set_parameter(model, name, torch.zeros_like(source.wholes[name]))
    try:
        return peft_method.load(model, source.folder)
    except ModelError as error:
        raise ModelError(f"adapter {source.name}: {error}") from None
    except Exception as error:
        # any: peft's are those of whatever line stumbled
        raise ModelError(
            f"adapter {source.name}: peft cannot load {source.folder} over the base "
            f"({fault_of(error)}); save it again, or give the base of its own"
        ) from error


def wholes_of(base: SharedBase, sources: Sequence[AdapterSource]) -> dict[str, ReplaceableParameter]:
    """Parameters that some adapter has of its own, with the base's value; a head that the base lacks has no classes."""
    wholes: dict[str, ReplaceableParameter] = {}
    for name in sorted({name for source in sources for name in source.wholes}):
        value = base.model.get_parameter(name).detach()
        if name in base.loaded.new_keys:
            value = torch.zeros((0, *value.shape[1:]) if name in base.head else value.shape)
        wholes[name] = ReplaceableParameter(value.numpy(), has_classes=name in base.head)
    return wholes


def write_graph(base: SharedBase, sources: Sequence[AdapterSource], folder: Path, *, opset: int) -> AdapterInputs:
    """Write `model.onnx` with inputs for what these adapters add and replace.

    Raises:
        ModelError: An adapter changes something that is no input of its own in the graph.
    """
    wholes = wholes_of(base, sources)
    traced = _with_values_of_their_own(base, wholes)
    if base.kind is Kind.causal:
        export_causal(traced, folder, opset=opset)
    else:
        export_graph(traced, folder, opset=opset, inputs=base.inputs)
    graph = onnx.load(folder / MODEL)
    opened = open_parameters(graph, wholes)
    modules = {module for source in sources for module in source.modules}
    added = add_lora_inputs(graph, modules, module_of)
    save_graph(graph, folder / MODEL)
    return opened._replace(kept=opened.kept | added)


def _with_values_of_their_own(base: SharedBase, wholes: Mapping[str, ReplaceableParameter]) -> Any:
    """The base to trace: what is to be replaceable has values that nothing else has, as `open_parameters` wants."""
    model: Any = trial_copy(base.loaded, share_weights=True)
    generator = torch.Generator().manual_seed(0)
    for name in wholes:
        shape = model.get_parameter(name).shape
        _set_parameter(model, name, torch.randn(shape, generator=generator))
    return model


def _set_parameter(model: nn.Module, name: str, value: torch.Tensor) -> None:
    owner, _, leaf = name.rpartition(".")
    part = model.get_submodule(owner)
    setattr(part, leaf, nn.Parameter(value))
    if isinstance(part, nn.Linear):
        part.out_features = len(value)


def _takes(model: Any, name: str) -> bool:
    return name in inspect.signature(model.forward).parameters
