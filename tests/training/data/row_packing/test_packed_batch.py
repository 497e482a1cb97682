"""A batch whose rows hold several examples."""

import numpy as np
import torch

from slimtune.training.data.batching import Batch, EncodedSplit, Targets, collate
from slimtune.training.data.encoding import Encoded, Ragged
from slimtune.training.data.row_packing.layout import RowCost
from slimtune.training.data.row_packing.packed_batch import alike, packed_batch

CPU = torch.device("cpu")
ROWS = [[11, 12, 13], [21, 22], [31, 32, 33, 34, 35], [41]]


def split_of() -> EncodedSplit:
    columns = {"input_ids": Ragged.of(ROWS), "labels": Ragged.of(ROWS)}
    return EncodedSplit(Encoded(columns, 0), Targets(None, np.ones(4), next_token=True))


def test_examples_stand_behind_one_another() -> None:
    """Positions restart, also at each token of padding, and nothing predicts an example's first token."""
    batch = packed_batch(split_of(), [0, 1, 2, 3], pad_id=9, cost=RowCost(6), device=CPU)
    assert batch.inputs["input_ids"].tolist() == [[31, 32, 33, 34, 35, 41], [11, 12, 13, 21, 22, 9]]
    assert batch.inputs["position_ids"].tolist() == [[0, 1, 2, 3, 4, 0], [0, 1, 2, 0, 1, 0]]
    assert batch.labels.tolist() == [[-100, 32, 33, 34, 35, -100], [-100, 12, 13, -100, 22, -100]]
    assert (len(batch), batch.num_examples) == (2, 4)
    assert "attention_mask" not in batch.inputs


def test_the_kept_positions_are_those_of_labels() -> None:
    """By them the answers are found."""
    batch = packed_batch(split_of(), [0, 1, 2, 3], pad_id=9, cost=RowCost(6), device=CPU)
    assert batch.kept_K is not None
    assert batch.kept_K.tolist() == [0, 1, 2, 3]
    assert batch.labelled_N is not None
    assert batch.labels[:, batch.kept_K + 1].flatten()[batch.labelled_N].tolist() == [32, 33, 34, 35, 12, 13, 22]


def test_batches_of_one_pass_are_called_in_one_way() -> None:
    """One with a mask gets positions, whose padding is cut off as its own is."""
    packed = packed_batch(split_of(), [0, 1, 3], pad_id=9, cost=RowCost(6), device=CPU)
    padded = collate(split_of(), [0, 1], pad_id=9, device=CPU)
    first, second = alike([packed, padded])
    assert first is packed
    assert set(second.inputs) == set(first.inputs)
    assert second.inputs["position_ids"].tolist() == [[0, 1, 2], [0, 1, 0]]
    assert alike([padded, padded])[0] is padded


def test_rows_of_their_own_are_as_many_examples() -> None:
    """A loss counts examples."""
    assert Batch({}, torch.zeros(3, 2)).num_examples == 3
