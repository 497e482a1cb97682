"""Whether a model keeps examples that share a row apart, given positions that restart."""

# A, B tokens of two examples

import copy
import inspect
from itertools import chain
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import nn

FIRST, OTHER_FIRST, SECOND = (3, 1, 4, 1, 5), (2, 7, 1, 8, 2), (6, 5, 3, 5)
# words of the first that stand before the second in another row; the others stand behind it
BEFORE = 3
# of the largest score: a sum of the same numbers is the same, so that anything else has crossed
CROSSED = 1e-6
# of the norm of all scores: other shapes round otherwise, most in bf16
MOVED = 0.05

# attention that runs wherever PyTorch does, in any precision
ANYWHERE = ("eager", "sdpa")

_FOUND: WeakKeyDictionary[nn.Module, str | None] = WeakKeyDictionary()


def refuses_packed_rows(model: Any) -> str | None:
    """Why a causal model's examples cannot share rows; None if they can.

    The model is asked, once: what comes of an example must not depend on the example before it in the row, and must be
    what comes of it alone. So recurrent and convolutional layers, attention by distance (ALiBi), and whatever else does
    not go by the positions are found without a list of families.

    Args:
        model: With weights, in whatever mode; these may be drawn.
    """
    if model not in _FOUND:
        _FOUND[model] = _found(model)
    return _FOUND[model]


def lacks_positions(model: Any) -> str | None:
    """The same, as far as a model without weights can tell."""
    if "position_ids" in inspect.signature(model.forward).parameters:
        return None
    return f"a {model.config.model_type} is not called with positions"


def new_of(model: Any) -> Any:
    """A model with the same settings and new weights, in host memory and float32.

    Its attention is one that runs there: another may want a GPU, or half the precision.
    """
    config = copy.deepcopy(model.config)
    if config._attn_implementation not in ANYWHERE:
        config._attn_implementation = "eager"
    return type(model)(config)


def _found(model: Any) -> str | None:
    reason = lacks_positions(model)
    if reason is not None:
        return reason
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            beside, beside_other, alone = (_second(model, first) for first in (FIRST, OTHER_FIRST, ()))
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        return f"{_said(model)} cannot be called so ({(str(error).splitlines() or [''])[0]})"
    finally:
        model.train(was_training)
    if float((beside - beside_other).abs().max()) > CROSSED * float(beside.abs().max()):
        return f"in {_said(model)} an example sees the one before it in its row"
    if float((beside - alone).norm()) > MOVED * float(alone.norm()):
        return f"in {_said(model)} an example's scores depend on its place in the row"
    return None


def _second(model: Any, first: tuple[int, ...]) -> torch.Tensor:
    """Scores of the second example behind a first one, in two rows of unlike boundaries, as batches have several.

    Some attention goes by the boundaries in a batch of one row alone.
    """
    device, words = model.device, int(model.config.get_text_config().vocab_size)
    rows = (first, SECOND), (first[:BEFORE], SECOND, first[BEFORE:])
    ids = torch.tensor([[*chain(*row)] for row in rows], device=device) % words
    positions = torch.tensor([[*chain(*(range(len(one)) for one in row))] for row in rows], device=device)
    logits: torch.Tensor = model(input_ids=ids, position_ids=positions, use_cache=False).logits
    starts = (len(row[0]) for row in rows)
    return torch.stack([own[start : start + len(SECOND)] for own, start in zip(logits, starts, strict=True)]).float()


def _said(model: Any) -> str:
    attention = getattr(model.config, "_attn_implementation", None)
    named = "" if attention is None or attention in ANYWHERE else f" with model.attention={attention}"
    return f"a {model.config.model_type}{named}"
