import itertools
from collections.abc import Sequence

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from slimtune.training.data.batching import BatchOrder, EncodedSplit, Targets, by_length, by_tokens, collate
from slimtune.training.data.encoding import Encoded, Ragged


def make_split(lengths: list[int]) -> EncodedSplit:
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    ids = Ragged(np.arange(1, starts[-1] + 1, dtype=np.int32), starts)
    return EncodedSplit(Encoded({"input_ids": ids}, 0), Targets(np.arange(len(lengths)), np.ones(len(lengths))))


@given(lengths=st.lists(st.integers(1, 50), min_size=1, max_size=90), batch_size=st.integers(1, 20))
def test_an_epoch_sees_every_row_once(lengths: list[int], batch_size: int) -> None:
    order = BatchOrder(np.array(lengths), batch_size=batch_size, seed=0)
    num_batches = -(-len(lengths) // batch_size)
    for _ in range(2):
        rows = np.concatenate(list(itertools.islice(order, num_batches)))
        assert sorted(rows.tolist()) == list(range(len(lengths)))
    assert sorted(np.concatenate(by_length(np.array(lengths), batch_size))) == list(range(len(lengths)))


LENGTHS = st.lists(st.integers(1, 50), min_size=1, max_size=90)


@given(lengths=LENGTHS, max_tokens=st.integers(1, 200), call_tokens=st.integers(0, 10_000))
def test_batches_by_tokens_hold_every_row_once_and_no_more_than_that(
    lengths: list[int], max_tokens: int, call_tokens: int
) -> None:
    """A row that is longer than a batch has one to itself."""
    batches = by_tokens(np.array(lengths), max_tokens, call_tokens)
    assert sorted(np.concatenate(batches)) == list(range(len(lengths)))
    sizes = [len(rows) * max(lengths[row] for row in rows) for rows in batches]
    assert all(size <= max_tokens or len(rows) == 1 for size, rows in zip(sizes, batches, strict=True))


@given(lengths=LENGTHS, call_tokens=st.integers(0, 300))
def test_no_other_cut_between_rows_of_like_length_is_cheaper(lengths: list[int], call_tokens: int) -> None:
    """Where all rows would fit into a batch: two batches beside each other are not cheaper as one, nor one as two."""

    def cost(rows: Sequence[int]) -> int:
        return len(rows) * max(lengths[row] for row in rows) + call_tokens

    batches = [rows.tolist() for rows in by_tokens(np.array(lengths), 100_000, call_tokens)]
    assert all(cost([*one, *other]) >= cost(one) + cost(other) for one, other in itertools.pairwise(batches))
    for rows in batches:
        assert all(cost(rows) <= cost(rows[:at]) + cost(rows[at:]) for at in range(1, len(rows)))


def test_the_order_is_a_function_of_the_seed() -> None:
    lengths = np.arange(1, 65)
    first, same, other = (
        [batch.tolist() for batch in itertools.islice(BatchOrder(lengths, batch_size=4, seed=seed), 32)]
        for seed in (0, 0, 1)
    )
    assert first == same
    assert first != other
    assert first[:16] != first[16:], "each epoch has an order of its own"


def test_batches_hold_rows_of_like_length() -> None:
    """Bucketing leaves little padding, in an order that stays random."""
    lengths = np.random.default_rng(0).integers(1, 100, size=512)
    batches = list(itertools.islice(BatchOrder(lengths, batch_size=16, seed=0), 32))
    padded = sum(lengths[rows].max() * len(rows) for rows in batches)
    shuffled = np.random.default_rng(1).permutation(512).reshape(32, 16)
    assert padded / lengths.sum() < 1.1 < sum(lengths[rows].max() * 16 for rows in shuffled) / lengths.sum()
    longest = [lengths[rows].max() for rows in batches]
    assert longest != sorted(longest)


def test_padding_is_masked() -> None:
    batch = collate(make_split([3, 1]), [1, 0], pad_id=0, device=torch.device("cpu"))
    assert batch.input_ids_BT.tolist() == [[4, 0, 0], [1, 2, 3]]
    assert batch.inputs["attention_mask"].tolist() == [[1, 0, 0], [1, 1, 1]]
    assert batch.labels.tolist() == [1, 0]
