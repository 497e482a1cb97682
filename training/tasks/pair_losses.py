"""Losses over the vectors of two texts; each gives the mean over the pairs.

`label_range` says which labels a loss is made for; one without it takes any. `alike_label`, 0 or 1, says which of these
two it pulls together; where a loss does not say it, it is found.
"""

# B pairs, D dimensions

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cosine_similarity, cross_entropy, mse_loss, normalize


class ContrastiveLoss(nn.Module):
    """Equal pairs are pulled together, others pushed apart up to a margin (Hadsell et al. 2006).

    The distance is 1 - cosine. `label` is 1 for equal pairs and 0 for others.
    """

    label_range = (0.0, 1.0)

    def __init__(self, margin: float = 0.5) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, output1: torch.Tensor, output2: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """Mean over the pairs."""
        distance_B = 1 - cosine_similarity(output1, output2)
        apart_B = torch.clamp(self.margin - distance_B, min=0).square()
        return 0.5 * (label * distance_B.square() + (1 - label) * apart_B).mean()


class CosineLoss(nn.Module):
    """Squared error of the cosine against a label in [-1, 1]."""

    label_range = (-1.0, 1.0)

    def forward(self, output1: torch.Tensor, output2: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """Mean over the pairs."""
        return mse_loss(cosine_similarity(output1, output2), label)


class MultipleNegativesLoss(nn.Module):
    """Each first text is to find its second among all of the batch (Henderson et al. 2017).

    Pairs whose label is 0 are no positives: their second texts are negatives only.
    """

    label_range = (0.0, 1.0)

    def __init__(self, scale: float = 20.0) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, output1: torch.Tensor, output2: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """Mean over the positive pairs; 0 in a batch without any."""
        scores_BB = self.scale * normalize(output1, dim=-1) @ normalize(output2, dim=-1).T
        positive_B = label > 0.5
        if not bool(positive_B.any()):
            return scores_BB.sum() * 0.0
        own_B = torch.arange(len(scores_BB), device=scores_BB.device)
        return cross_entropy(scores_BB[positive_B], own_B[positive_B])


def pulls_zeros_together(loss: Callable[..., Any]) -> bool:
    """Whether a loss takes the label 0 for alike and 1 for different; False where it does not tell.

    It is called with pairs of equal and of orthogonal vectors: what takes 1 for alike is smaller for the equal ones
    with 1 than with 0, beside the others.
    """
    said = getattr(loss, "alike_label", None)
    if said is not None:
        return bool(said == 0)
    one_BD = torch.eye(2, 8)
    other_BD = one_BD.roll(2, dims=1)
    try:
        with torch.no_grad(), torch.random.fork_rng([]):
            gain, loss_apart = (
                float(loss(one_BD, second, torch.ones(2))) - float(loss(one_BD, second, torch.zeros(2)))
                for second in (one_BD, other_BD)
            )
    except Exception:  # noqa: BLE001  # it is the code of somebody else, and told where it is first needed
        return False
    return gain > loss_apart
