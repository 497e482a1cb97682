"""Losses over two vectors, ours and a user's."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch.nn.functional import cosine_similarity

from slimtune.training.config.task import Pooling
from slimtune.training.data.examples import Example
from slimtune.training.tasks.pair_losses import ContrastiveLoss, CosineLoss, MultipleNegativesLoss
from slimtune.training.tasks.similarity import Similarity
from slimtune.training.trial import Completed
from slimtune.training.worker.run import run_trial
from tests.conftest import FakeTrial
from tests.training.one_batch import losses_on_one_batch
from tests.training.tasks.conftest import CASES

CASE = next(case for case in CASES if case.name == "similarity")
FIRST, SECOND = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(0)).unbind(0)
OWN_LOSS = "examples.custom.parts.CustomContrastiveLoss"
LABEL = torch.tensor([1.0, 0.0, 1.0, 0.0, 1.0])


def test_a_users_loss_plugs_in_by_its_dotted_path(values_of: Callable[..., dict[str, Any]], tmp_path: Any) -> None:
    loss = f"{{_target_: {OWN_LOSS}, margin: 1.0}}"
    values = values_of(CASE, f"++task.loss={loss}")
    assert values["task"]["loss"] == {"_target_": OWN_LOSS, "margin": 1.0}
    trial = FakeTrial(values, tmp_path / "trial")
    outcome = run_trial(trial)
    assert isinstance(outcome, Completed), outcome
    losses = losses_on_one_batch(values, tmp_path / "one batch")
    assert losses.after < losses.before


def test_the_contrastive_loss_is_its_formula() -> None:
    expected = [
        0.5 * (distance**2 if label else max(0.0, 0.5 - distance) ** 2)
        for distance, label in zip((1 - cosine_similarity(FIRST, SECOND)).tolist(), LABEL.tolist(), strict=True)
    ]
    assert float(ContrastiveLoss()(FIRST, SECOND, LABEL)) == pytest.approx(sum(expected) / 5, rel=1e-5)


def test_the_cosine_loss_is_zero_where_label_and_cosine_agree() -> None:
    assert float(CosineLoss()(FIRST, SECOND, cosine_similarity(FIRST, SECOND))) == 0.0
    assert float(CosineLoss()(FIRST, FIRST, torch.zeros(5))) == pytest.approx(1.0, rel=1e-5)


def test_other_rows_are_the_negatives() -> None:
    """Of five pairs that are each their own, the loss falls with the scale; without positives it is 0."""
    own = torch.eye(5)
    assert float(MultipleNegativesLoss(20.0)(own, own, torch.ones(5))) < float(
        MultipleNegativesLoss(1.0)(own, own, torch.ones(5))
    )
    assert float(MultipleNegativesLoss()(FIRST, SECOND, torch.zeros(5))) == 0.0


TEXTS = [
    f"the {noun} stands near the {place}" for noun in ("tree", "car", "house", "horse") for place in ("lake", "road")
]


def noted(*labels: float, num_rows: int = 40) -> Sequence[str]:
    """Of pairs of equal texts with the first label, and of other ones with the second."""
    task = Similarity(16, Pooling.mean, ("spearman",), {"_target_": "slimtune.training.tasks.pair_losses.CosineLoss"})
    rows = []
    for at in range(num_rows):
        first, other = TEXTS[at % 8], f"nobody has seen {at} of them since last winter"
        rows.append(Example(first, str(labels[at % 2]), first if at % 2 == 0 else other))
    return task.notes(rows)


def test_labels_that_say_how_different_texts_are_are_told() -> None:
    (note,) = noted(0.0, 1.0)
    assert "turn the column round" in note
    assert noted(1.0, 0.0) == ()


@pytest.mark.parametrize(("labels", "num_rows"), [((0.0, 1.0), 10), ((1.0, 1.0), 40)])
def test_few_pairs_and_labels_of_one_value_say_nothing(labels: tuple[float, float], num_rows: int) -> None:
    assert noted(*labels, num_rows=num_rows) == ()
