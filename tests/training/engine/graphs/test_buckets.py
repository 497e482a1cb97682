from hypothesis import given
from hypothesis import strategies as st

from slimtune.training.engine.graphs.buckets import bucket_length


@given(st.integers(1, 5000))
def test_a_bucket_has_room_and_is_its_own(length: int) -> None:
    bucket = bucket_length(length)
    assert bucket >= length
    assert bucket_length(bucket) == bucket


def test_there_are_few() -> None:
    assert len({bucket_length(length) for length in range(1, 513)}) <= 16
    assert all(bucket_length(length) - length <= length / 2 for length in range(64, 2000))
