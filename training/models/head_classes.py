"""Whether the head that a checkpoint brings along has the task's classes, and in which order."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import nn
from transformers import PreTrainedModel

# what transformers calls classes that nobody named
UNNAMED = re.compile(r"LABEL_\d+")


class HeadClasses(NamedTuple):
    """The classes of a checkpoint's own head beside those of the task.

    Attributes:
        order: For each class of the task, its place in the checkpoint; empty if the head stays as it is.
        is_other: Whether the head is of other classes, so that it is drawn anew.
        note: What a person should know.
    """

    order: Sequence[int] = ()
    is_other: bool = False
    note: str | None = None


def head_classes(own: Mapping[int, object], options: Mapping[str, object]) -> HeadClasses:
    """Compare the names of classes.

    Args:
        own: The checkpoint's `id2label`.
        options: What its task loads the model with; without `id2label` there are no classes.
    """
    asked: Any = options.get("id2label")
    if asked is None or len(own) != len(asked):
        # of another number of classes: transformers has made a new head
        return HeadClasses()
    names, labels = [str(own[number]) for number in sorted(own)], list(asked.values())
    if names == labels:
        return HeadClasses()
    if all(UNNAMED.fullmatch(name) for name in names):
        told = ", ".join(f"{number} for {label!r}" for number, label in enumerate(labels[:3]))
        more = ", ..." if len(labels) > len(labels[:3]) else ""
        return HeadClasses(
            note=f"the checkpoint's head is kept; its classes have no names, so {told}{more} (task.labels)"
        )
    places = {name.casefold(): place for place, name in enumerate(names)}
    if len(places) == len(names) and places.keys() == {label.casefold() for label in labels}:
        return HeadClasses(
            [places[label.casefold()] for label in labels], note="the checkpoint's head has these classes"
        )
    known = ", ".join(map(repr, names[:3])) + (", ..." if len(names) > len(names[:3]) else "")
    return HeadClasses(is_other=True, note=f"the checkpoint's head is of other classes ({known}), and is not used")


def head_parameters(model: PreTrainedModel) -> frozenset[str]:
    """Names of the parameters beside the base."""
    prefix = f"{model.base_model_prefix}."
    return frozenset(name for name, _ in model.named_parameters() if not name.startswith(prefix))


@torch.no_grad()
def reorder(model: PreTrainedModel, order: Sequence[int]) -> None:
    """Give each class of the task the weights of its name."""
    prefix = f"{model.base_model_prefix}."
    linear = [
        part
        for name, part in model.named_modules()
        if isinstance(part, nn.Linear) and part.out_features == len(order) and not name.startswith(prefix)
    ]
    # what comes before may be as wide
    last = linear[-1]
    last.weight.copy_(last.weight[list(order)])
    if last.bias is not None:
        last.bias.copy_(last.bias[list(order)])
