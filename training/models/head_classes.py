"""Whether the head that a checkpoint brings along has the task's classes, and in which order."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import nn
from transformers import PreTrainedModel

from slimtune.training.models.weights import is_outside

# what transformers calls classes that nobody named
UNNAMED = re.compile(r"LABEL_\d+")


def are_unnamed(names: Iterable[str]) -> bool:
    """Whether nobody named these classes."""
    return all(UNNAMED.fullmatch(name) for name in names)


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


def head_classes(names: Sequence[str], options: Mapping[str, object], *, num_rows: int | None = None) -> HeadClasses:
    """Compare the names of classes.

    Args:
        names: Of the checkpoint's classes, in the order of their ids.
        options: What its task loads the model with; without `id2label` there are no classes.
        num_rows: Classes of a head that was loaded from the files; None if it is not known.
    """
    asked: Any = options.get("id2label")
    is_unnamed = are_unnamed(names)
    if asked is not None and num_rows == len(asked) != len(names) and not is_unnamed:
        return HeadClasses(
            is_other=True,
            note=f"the checkpoint's head has {num_rows} classes and its config.json names {len(names)}, so nobody "
            "knows which is which: it is not used",
        )
    if asked is None or len(names) != len(asked):
        # of another number of classes: transformers has made a new head
        return HeadClasses()
    labels = list(asked.values())
    if list(names) == labels:
        return HeadClasses()
    if are_unnamed(names):
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
    return frozenset(name for name, _ in model.named_parameters() if is_outside(model, name))


def num_rows(model: PreTrainedModel) -> int | None:
    """How many classes the last layer of the head has."""
    linear = [part for name, part in model.named_modules() if isinstance(part, nn.Linear) and is_outside(model, name)]
    return linear[-1].out_features if linear else None


@torch.no_grad()
def reorder(model: PreTrainedModel, order: Sequence[int]) -> None:
    """Give each class of the task the weights of its name."""
    linear = [
        part
        for name, part in model.named_modules()
        if isinstance(part, nn.Linear) and part.out_features == len(order) and is_outside(model, name)
    ]
    # what comes before may be as wide
    last = linear[-1]
    last.weight.copy_(last.weight[list(order)])
    if last.bias is not None:
        last.bias.copy_(last.bias[list(order)])
