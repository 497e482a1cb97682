from hypothesis import given
from hypothesis import strategies as st

from slimtune.training.engine.slots.segments import segment_table

SIZES = st.lists(st.integers(1, 64), min_size=1, max_size=12)


def test_equal_batches_are_a_segment_each() -> None:
    assert segment_table([0, 1, 2], [8, 8, 8]) == ((0, 1, 2), 8, (8, 8, 8))


def test_a_large_batch_is_several_segments() -> None:
    table = segment_table([0, 2], [32, 8])
    assert table.slots_K == (0, 0, 0, 0, 2)
    assert table.num_rows == 40


def test_a_short_last_batch_is_filled_up() -> None:
    table = segment_table([0, 1, 2], [8, 5, 8])
    assert table == ((0, 1, 2), 8, (8, 5, 8))
    assert table.padded_sizes == (8, 8, 8)


@given(SIZES)
def test_all_rows_have_a_place_and_padding_is_little(sizes: list[int]) -> None:
    table = segment_table(range(len(sizes)), sizes)
    assert sum(table.padded_sizes) == table.num_rows
    assert all(size <= padded < size + table.rows for size, padded in zip(sizes, table.padded_sizes, strict=True))
    assert table.num_rows <= 2 * sum(sizes)
    for slot, padded in enumerate(table.padded_sizes):
        assert table.slots_K.count(slot) * table.rows == padded
