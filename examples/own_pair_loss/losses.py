"""Losses of pairs as tutorials of siamese networks have them: the label 1 is for pairs that differ."""

import torch
from torch import nn
from torch.nn.functional import cosine_similarity, pairwise_distance


class ContrastiveLoss(nn.Module):
    """Pairs with the label 0 are pulled together, those with 1 pushed apart up to a margin."""

    def __init__(self, margin: float = 2.0) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, output1: torch.Tensor, output2: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """Mean over the pairs."""
        distance = pairwise_distance(output1, output2, keepdim=True)
        apart = torch.clamp(self.margin - distance, min=0.0)
        label = label.unsqueeze(1)
        return torch.mean((1 - label) * torch.pow(distance, 2) + label * torch.pow(apart, 2))


def cosine_distance_loss(output1: torch.Tensor, output2: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """Without a margin: the squared error of 1 - cosine against the label."""
    return torch.mean((1 - cosine_similarity(output1, output2) - label) ** 2)
