"""Losses over the vectors of two texts; each gives the mean over the pairs.

`label_range` says which labels a loss is made for; one without it takes any. `alike_label`, 0 or 1, says which of these
two it pulls together; where a loss does not say it, it is found.
"""

# B pairs, D dimensions

from collections.abc import Callable
from typing import Any, NamedTuple

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


class PairLabels(NamedTuple):
    """What a loss takes for pairs that are alike, and for those that differ: 1 and 0, 0 and 1, or one of them is -1."""

    alike: int
    different: int

    @property
    def is_turned(self) -> bool:
        """Whether the larger one means different."""
        return self.alike < self.different

    @property
    def is_signed(self) -> bool:
        """Whether the loss takes -1 and 1, and no other."""
        return -1 in self

    def given(self, labels_B: torch.Tensor) -> torch.Tensor:
        """Labels as the loss takes them, of labels where the larger means alike."""
        if self.is_signed:
            labels_B = 2 * labels_B.clamp(min=0) - 1
            return -labels_B if self.is_turned else labels_B
        return 1 - labels_B if self.is_turned else labels_B


def labels_taken(loss: Callable[..., Any]) -> PairLabels:
    """What a loss takes for alike and for different; 1 and 0 where it does not tell.

    It is called with pairs of equal and of orthogonal vectors: what takes 1 for alike is smaller for the equal ones
    with 1 than with 0, beside the others. What gives all pairs the same with 0, and not with -1, takes that for
    different, as `torch.nn.CosineEmbeddingLoss` does; what only changes its sign is no such loss.
    """
    said = getattr(loss, "alike_label", None)
    if said is not None:
        return PairLabels(0, 1) if said == 0 else PairLabels(1, 0)
    one_BD = torch.eye(2, 8)

    def called(label: int) -> list[float]:
        labels_B = torch.full((2,), float(label))
        return [float(loss(one_BD, second_BD, labels_B)) for second_BD in (one_BD, one_BD.roll(2, dims=1))]

    try:
        with torch.no_grad(), torch.random.fork_rng([]):
            ones, others, different = called(1), called(0), 0
            if others[0] == others[1] and getattr(loss, "label_range", (-1, 1))[0] < 0:
                below = called(-1)
                if below[0] != below[1] and below != [-mean for mean in ones]:
                    others, different = below, -1
    except Exception:  # noqa: BLE001  # it is the code of somebody else, and told where it is first needed
        return PairLabels(1, 0)
    gain, loss_apart = (one - other for one, other in zip(ones, others, strict=True))
    return PairLabels(different, 1) if gain > loss_apart else PairLabels(1, different)
