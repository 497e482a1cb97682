"""Losses over two vectors, ours and a user's."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cosine_similarity, mse_loss, pairwise_distance

from slimtune.training.config.task import Pooling
from slimtune.training.config.trial import parse_trial
from slimtune.training.data.batching import collate
from slimtune.training.data.examples import Example
from slimtune.training.errors import DataError, UserError
from slimtune.training.tasks import task_of
from slimtune.training.tasks.loss import OwnLoss
from slimtune.training.tasks.pair_losses import (
    ContrastiveLoss,
    CosineLoss,
    MultipleNegativesLoss,
    PairLabels,
    labels_taken,
)
from slimtune.training.tasks.similarity import Similarity
from slimtune.training.trial import Completed
from slimtune.training.workbench.prepared_data import prepare_data
from slimtune.training.worker.run import run_trial
from tests.conftest import FakeTrial
from tests.training.one_batch import losses_on_one_batch
from tests.training.tasks.conftest import CASES, Case

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
    assert "task.alike_label=0" in note
    (note,) = noted(0.1, 0.9)
    assert "turn the column round" in note
    assert noted(1.0, 0.0) == ()


@pytest.mark.parametrize(("labels", "num_rows"), [((0.0, 1.0), 10), ((1.0, 1.0), 40)])
def test_few_pairs_and_labels_of_one_value_say_nothing(labels: tuple[float, float], num_rows: int) -> None:
    assert noted(*labels, num_rows=num_rows) == ()


def writes_labels(output1: torch.Tensor, output2: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    return mse_loss(cosine_similarity(output1, output2), label.mul_(2).sub_(1))


def test_a_loss_that_writes_into_its_labels_has_a_copy_of_them() -> None:
    """Scores go by the labels that were read."""
    label = LABEL.clone()
    OwnLoss(writes_labels, "writes_labels")(FIRST, SECOND, label[:5])
    assert torch.equal(label, LABEL)


class MarginTurned(nn.Module):
    """As tutorials of siamese networks have it: 1 is for pairs that differ."""

    def __init__(self, margin: float = 2.0) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, output1: torch.Tensor, output2: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        distance = pairwise_distance(output1, output2)
        apart = torch.clamp(self.margin - distance, min=0.0)
        return torch.mean((1 - label) * distance.square() + label * apart.square())


class Said(CosineLoss):
    """Says what it takes."""

    alike_label = 0


def no_margin_turned(output1: torch.Tensor, output2: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    return mse_loss(1 - cosine_similarity(output1, output2), label)


def deaf(output1: torch.Tensor, output2: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    return mse_loss(output1, output2)


def of_more(output1: torch.Tensor, output2: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    assert output1.shape[1] == 384
    return mse_loss(output1, output2)


@pytest.mark.parametrize("loss", [ContrastiveLoss(), CosineLoss(), MultipleNegativesLoss(), deaf, of_more])
def test_losses_that_take_one_for_alike_and_those_that_do_not_tell_are_left_as_they_are(loss: Any) -> None:
    before = torch.get_rng_state()
    assert labels_taken(loss) == (1, 0)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("loss", [MarginTurned(), MarginTurned(0.3), no_margin_turned, Said()])
def test_losses_that_take_one_for_different_are_found(loss: Any) -> None:
    """With a margin or without one, or by what they say of themselves."""
    assert labels_taken(loss) == (0, 1)


def pulls_alone(output1: torch.Tensor, output2: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    return torch.mean(label * (1 - cosine_similarity(output1, output2)))


def signed_and_turned(output1: torch.Tensor, output2: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    return nn.CosineEmbeddingLoss(0.2)(output1, output2, -label)


@pytest.mark.parametrize(
    ("loss", "taken"),
    [
        (nn.CosineEmbeddingLoss(), (1, -1)),
        (nn.CosineEmbeddingLoss(margin=0.5), (1, -1)),
        (signed_and_turned, (-1, 1)),
        # a label of 0 leaves a pair out, and one of -1 would push it away without an end
        (pulls_alone, (1, 0)),
    ],
)
def test_losses_that_take_minus_one_for_different_are_found(loss: Any, taken: tuple[int, int]) -> None:
    assert labels_taken(loss) == taken


def test_labels_are_given_as_a_loss_takes_them() -> None:
    two = torch.tensor([1.0, 0.0])
    given = {taken: PairLabels(*taken).given(two).tolist() for taken in ((1, 0), (0, 1), (1, -1), (-1, 1))}
    assert given == {taken: [float(one) for one in taken] for taken in given}
    assert PairLabels(1, -1).given(torch.tensor([1.0, -1.0])).tolist() == [1.0, -1.0]


HERE = "tests.training.tasks.test_similarity"
TURNED = f"++task.loss={{_target_: {HERE}.MarginTurned}}"


def relabelled(alike: Any, different: Any) -> Case:
    """The pairs with other labels for the same."""
    return CASE._replace(rows=[{**row, "label": alike if row["label"] else different} for row in CASE.rows])


def reported(values: dict[str, Any], folder: Path) -> list[dict[str, float]]:
    trial = FakeTrial(values, folder)
    assert isinstance(run_trial(trial), Completed), trial.outcome
    return [
        {name: one for name, one in scores.items() if "per_second" not in name} for scores in trial.reports.values()
    ]


@pytest.mark.parametrize(
    ("alike", "different", "said"),
    [(0, 1, "0"), ("duplicate", "different", "duplicate"), ("0.0", "1.0", "0"), (False, True, "false")],
)
def test_the_label_that_means_alike_is_named_whatever_it_is(
    values_of: Callable[..., dict[str, Any]], tmp_path: Path, alike: Any, different: Any, said: str
) -> None:
    """Loss and scores are those of 1 for alike and 0 for different."""
    wanted = reported(values_of(CASE, "fit.precision=fp32"), tmp_path / "plain")
    given = values_of(relabelled(alike, different), f"task.alike_label={said}", "fit.precision=fp32")
    assert reported(given, tmp_path / "named") == wanted


def test_a_loss_that_takes_one_for_different_is_given_labels_so(
    values_of: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """Whichever way round the rows have them; the scores take 1 for alike."""
    turned = reported(values_of(relabelled(0, 1), "task.alike_label=0", TURNED), tmp_path / "turned")
    same = reported(values_of(CASE, "task.alike_label=1", TURNED), tmp_path / "same")
    assert turned == same
    config = parse_trial(values_of(CASE, "task.alike_label=1", TURNED)).section
    task = task_of(config, [])
    assert isinstance(task, Similarity)
    assert any("takes 1 for different" in note for note in task.notes([]))


@pytest.mark.parametrize(
    ("labels", "more", "told"),
    [
        ((1, 0), TURNED, "task.alike_label is null"),
        (("duplicate", "different"), "task.alike_label=dublicate", "have the labels different, duplicate"),
        (("Yes", "no"), "task.alike_label=yes", "looks like 'Yes'"),
        (("duplicate", "different"), "task.metrics=[spearman]", "name the label of pairs that are alike"),
    ],
)
def test_a_direction_that_is_not_known_is_asked_for(
    values_of: Callable[..., dict[str, Any]], labels: tuple[Any, Any], more: str, told: str
) -> None:
    config = parse_trial(values_of(relabelled(*labels), more)).section
    with pytest.raises(UserError) as caught:
        prepare_data(config)
    assert told in str(caught.value)


def test_scores_have_no_label_that_means_alike(values_of: Callable[..., dict[str, Any]]) -> None:
    rows = [{**row, "label": index / 100} for index, row in enumerate(CASE.rows)]
    config = parse_trial(values_of(CASE._replace(rows=rows), "task.alike_label=0")).section
    with pytest.raises(DataError, match=r"other labels, '0\.01'.* or where they are numbers that say how alike"):
        prepare_data(config)
    problems = parse_trial(values_of(CASE, "task.alike_label=[0]")).problems
    assert "use one of the labels, e.g. 0 or duplicate" in problems[0]


SIGNED = "++task.loss={_target_: torch.nn.CosineEmbeddingLoss, margin: 0.2}"


@pytest.mark.parametrize(
    ("alike", "different", "more"), [(1, 0, ()), (1, -1, ("task.metrics=[spearman]",)), (0, 1, ("task.alike_label=0",))]
)
def test_a_loss_of_labels_with_a_sign_is_given_these(
    values_of: Callable[..., dict[str, Any]], alike: int, different: int, more: tuple[str, ...]
) -> None:
    """Pairs that differ are pushed apart, whatever the rows call them."""
    given = values_of(relabelled(alike, different), SIGNED, "task.metric=spearman", *more)
    data = prepare_data(parse_trial(given).section)
    task = data.task
    assert isinstance(task, Similarity)
    batch = collate(data.encoded["train"], np.arange(8), pad_id=0, device=torch.device("cpu"))
    signs_B = torch.tensor([1.0 if one > 0 else -1.0 for one in batch.labels.tolist()])
    assert set(signs_B.tolist()) == {1.0, -1.0}
    vectors_B2D = torch.randn(8, 2, 4, generator=torch.Generator().manual_seed(0))
    wanted = nn.CosineEmbeddingLoss(0.2)(*vectors_B2D.unbind(1), signs_B)
    assert float(task.loss(vectors_B2D, batch, label_smoothing=0).nats) == pytest.approx(float(wanted) * 8, rel=1e-5)
    assert any("takes -1 for different" in note for note in task.notes([]))


def test_scores_are_nothing_for_a_loss_of_labels_with_a_sign(values_of: Callable[..., dict[str, Any]]) -> None:
    """It would leave them out of the mean without a word."""
    rows = [{**row, "label": index % 4 / 3} for index, row in enumerate(CASE.rows)]
    given = values_of(CASE._replace(rows=rows), SIGNED, "task.metrics=[spearman]", "task.metric=spearman")
    with pytest.raises(DataError, match=r"CosineEmbeddingLoss', which takes 1 and -1 alone: give rows two labels"):
        prepare_data(parse_trial(given).section)
