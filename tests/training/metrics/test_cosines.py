import math

import pytest
import torch

from slimtune.training.config.task import Pooling
from slimtune.training.data.batching import Batch, EncodedSplit, Targets
from slimtune.training.data.encoding import Encoded
from slimtune.training.data.examples import Example
from slimtune.training.metrics import compute_all
from slimtune.training.metrics.cosines import comparable
from slimtune.training.tasks.similarity import Similarity

# three pairs of the same text, and others; 1 and its neighbours in float32
SAME, OTHER = [1.0, 1.0 - 2**-24, 1.0 + 2**-23], [0.31, 0.7, 0.1]
GRADES = [0.2, 1.0, 0.6, 0.1, 0.9, 0.5]


def test_what_only_rounding_tells_apart_is_a_tie() -> None:
    assert comparable(SAME) == [1.0, 1.0, 1.0]
    assert comparable([0.31, 0.310001, -1e-9]) == [0.31, 0.310001, 0.0]
    assert math.isnan(comparable([math.nan])[0])


@pytest.mark.parametrize("labels", [GRADES, [0.0, 1.0, 0.0, 0.0, 1.0, 1.0]])
def test_scores_of_pairs_do_not_hang_on_rounding(labels: list[float]) -> None:
    """Vectors that are a rounding apart, as PyTorch and a graph give them, have the same scores."""
    task = Similarity(8, Pooling.mean, ("spearman", "pair_scores"), {"_target_": LOSS})
    exact, other = (scores(task, noise, labels) for noise in (0.0, 1e-7))
    assert {**exact, "loss": 0} == pytest.approx({**other, "loss": 0}, rel=0, abs=0, nan_ok=True)


LOSS = "slimtune.training.tasks.pair_losses.CosineLoss"


def scores(task: Similarity, noise: float, labels: list[float]) -> dict[str, float]:
    """Of pairs of vectors with such angles between them, each in a direction and a length of its own."""
    first = torch.randn(6, 16, generator=torch.Generator().manual_seed(1))
    across = torch.randn(6, 16, generator=torch.Generator().manual_seed(2))
    cosines = torch.tensor([1.0, 1.0, 1.0, *OTHER])[:, None]
    across -= (across * first).sum(1, keepdim=True) / (first * first).sum(1, keepdim=True) * first
    across *= first.norm(dim=1, keepdim=True) / across.norm(dim=1, keepdim=True)
    second = (cosines * first + (1 - cosines**2).sqrt() * across) * 3
    logits = torch.stack(
        [first, second * (1 + noise * torch.randn(6, 16, generator=torch.Generator().manual_seed(3)))], 1
    )
    rows = [Example("a", label, "b") for label in labels]
    targets = torch.tensor(labels)
    split = EncodedSplit(Encoded({}, 0), Targets(targets.numpy(), targets.numpy()), rows)
    return compute_all(task.measures, task.tally(logits, Batch({}, targets), split, range(6)))
