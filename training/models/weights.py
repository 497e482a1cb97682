"""Whether a checkpoint's weights are those of the model that is made of them."""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import safe_open
from transformers import PreTrainedModel

from slimtune.training.errors import ModelError
from slimtune.training.methods.protocol import POOLERS
from slimtune.training.models.architecture import WRITERS

# what old checkpoints kept beside their weights
BUFFERS = ("position_ids", "token_type_ids", "inv_freq", "masked_bias", "attn.bias", "attention.bias")
SHOWN = 3


class LoadedWeights(NamedTuple):
    """What became of a checkpoint's weights.

    Attributes:
        new: Parameters of the head that the checkpoint lacks, drawn anew for each trial.
        unused: Weights of another head, which this model has not, or in another shape.
        of_head: What is to be known of the classes of a head that is there.
    """

    new: frozenset[str]
    unused: frozenset[str]
    of_head: str | None = None

    def notes(self) -> list[str]:
        """For people."""
        new = f"new in the model, and drawn for each trial: {_some(_owners(self.new))}"
        unused = f"in the checkpoint, and not used: {_some(_owners(self.unused))}"
        told = [*([new] if self.new else []), *([unused] if self.unused else [])]
        return [*told, *([self.of_head] if self.of_head is not None else [])]


def loaded_weights(model: PreTrainedModel, info: Mapping[str, Any], *, said: str, peft_task_type: str) -> LoadedWeights:
    """Which weights are new and which are left over, if only those of heads are.

    Args:
        model: As transformers made it.
        info: What `from_pretrained` says of loading.
        said: What an error calls the model.
        peft_task_type: peft's name of the task; a model that writes has no head that may be new.

    Raises:
        ModelError: Weights were not found, were not used, or are of another shape.
    """
    missing, unexpected = set(info["missing_keys"]), set(info["unexpected_keys"])
    shapes = {str(name): (tuple(found), tuple(asked)) for name, found, asked in info["mismatched_keys"]}
    parameters = {name for name, _ in model.named_parameters()}
    lacking = (missing & parameters) | shapes.keys()
    needed = sorted(name for name in lacking if peft_task_type in WRITERS or not _is_head(model, name))
    left_over = sorted(name for name in unexpected if _is_body(model, name))
    if needed or left_over:
        raise ModelError(f"{said}: {_story(model, needed, left_over, shapes, unexpected)}")
    # a head of another shape is both
    return LoadedWeights(frozenset(lacking), frozenset(unexpected | shapes.keys()))


def check_tied(model: PreTrainedModel, folder: Path, *, said: str) -> None:
    """Whether a model that is to have one matrix at both ends has one in its files.

    Raises:
        ModelError: It has two that differ.
    """
    output: Any = model.get_output_embeddings()  # type: ignore[no-untyped-call]
    if output is None or not getattr(model.config.get_text_config(), "tie_word_embeddings", False):
        return
    names = [_name_of(model, part) for part in (model.get_input_embeddings(), output)]
    found = [tensor for name in names if (tensor := _in_files(folder, name)) is not None]
    if len(found) == len(set(names)) == 2 and not torch.equal(*found):
        raise ModelError(
            f"{said}: its config says tie_word_embeddings, and its files have two matrices that differ, "
            f"{' and '.join(names)}; set tie_word_embeddings to false in config.json, or take the second one out"
        )


def check_values(model: PreTrainedModel, folder: Path, *, said: str) -> None:
    """Whether a checkpoint's weights are numbers that a model can compute with.

    Raises:
        ModelError: One is not a number or infinite, or they are whole numbers that only scales would make weights of.
    """
    if getattr(model.config, "quantization_config", None) is not None:
        # its own library reads what it packed
        return
    parameters = {name for name, _ in model.named_parameters()}
    for path in sorted(folder.glob("*.safetensors")):
        status = path.stat()
        for name, problem in _odd_tensors(FileState(path, status.st_mtime_ns, status.st_size)).items():
            if _is_weight(model, name, parameters):
                raise ModelError(f"{said}: {name} in {path.name} {problem}")


class FileState(NamedTuple):
    """A file that nobody has written since."""

    path: Path
    mtime_ns: int
    num_bytes: int


@cache
def _odd_tensors(state: FileState) -> Mapping[str, str]:
    """What is wrong with tensors of a file; a process reads it once: the preflight, and each load of a base, ask."""
    with safe_open(state.path, framework="pt") as file:
        found = {name: _problem_of(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118  # no mapping
    return {name: problem for name, problem in found.items() if problem is not None}


def _is_weight(model: PreTrainedModel, name: str, parameters: set[str]) -> bool:
    prefix = f"{model.base_model_prefix}."
    return bool({name, prefix + name, name.removeprefix(prefix)} & parameters)


def _problem_of(tensor: torch.Tensor) -> str | None:
    if not tensor.is_floating_point():
        dtype = str(tensor.dtype).removeprefix("torch.")
        return f"is {dtype}, whole numbers without the scales that they were made with; save floats"
    # types of 8 bits have no isfinite of their own
    wide = tensor.float() if tensor.element_size() == 1 else tensor
    num_odd = int((~torch.isfinite(wide)).sum())
    return f"has {num_odd} values that are not finite (NaN or infinite); take a sound checkpoint" if num_odd else None


def _name_of(model: PreTrainedModel, wanted: Any) -> str:
    return next(f"{name}.weight" for name, part in model.named_modules() if part is wanted)


def _in_files(folder: Path, name: str) -> torch.Tensor | None:
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="pt") as file:
            if name in file.keys():  # noqa: SIM118  # no mapping
                tensor: torch.Tensor = file.get_tensor(name)
                return tensor
    return None


def _story(
    model: PreTrainedModel,
    needed: list[str],
    left_over: list[str],
    shapes: Mapping[str, tuple[Any, Any]],
    unexpected: Iterable[str],
) -> str:
    family = model.config.model_type
    parts = []
    if absent := [name for name in needed if name not in shapes]:
        parts.append(f"a {family} needs weights that its files lack: {_some(absent)}")
    if other := [name for name in needed if name in shapes]:
        found, asked = shapes[other[0]]
        parts.append(f"weights have another shape: {_some(other)} ({list(found)} in the file, {list(asked)} needed)")
    if unused := left_over or (sorted(unexpected) if absent else []):
        parts.append(f"its files have weights that a {family} of its config.json has no place for: {_some(unused)}")
    return "; ".join(parts) + "; give the folder that save_pretrained wrote, config.json and weights of one model"


def _is_head(model: PreTrainedModel, name: str) -> bool:
    """Whether a parameter stands outside of the model that all heads share, or is what pools for one."""
    return is_outside(model, name) or bool(set(name.split(".")) & set(POOLERS))


def is_outside(model: PreTrainedModel, name: str) -> bool:
    """Whether a part or a parameter stands outside of the model that all heads share."""
    prefix = model.base_model_prefix
    return hasattr(model, prefix) and not name.startswith(f"{prefix}.")


def _is_body(model: PreTrainedModel, name: str) -> bool:
    """Whether a name that the model lacks is that of a part which all heads share."""
    prefix = model.base_model_prefix
    body = getattr(model, prefix, model)
    parts = name.removeprefix(f"{prefix}.").split(".")
    if set(parts) & set(POOLERS) or name.endswith(BUFFERS):
        return False
    heads = {part for part, _ in model.named_children()} - {prefix} if body is not model else set()
    return parts[0] in {part for part, _ in body.named_children()} - heads


def _owners(names: Iterable[str]) -> list[str]:
    return sorted({name.rpartition(".")[0] or name for name in names})


def _some(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
