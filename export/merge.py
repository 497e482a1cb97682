"""The trained model as one plain model: adapters are added into the base's weights."""

from typing import Any

from peft import PeftModel
from torch import nn


def merged(model: nn.Module) -> Any:
    """A model without adapters that computes the same; a model that has none is given back as it is.

    The model must be in fp32: adding a low-rank update into rounded weights loses it. It is changed in place.
    """
    if isinstance(model, PeftModel):
        return model.merge_and_unload().eval()
    return model.eval()
