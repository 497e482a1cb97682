from hypothesis import given
from hypothesis import strategies as st

from slimtune.training.engine.pass_grouping import PassSize, Shape, group_passes

SIZE = PassSize(max_tokens=256, max_padding=32)


def test_micro_batches_of_like_length_share_a_pass() -> None:
    """The long one would make the others pad, and five short ones would be more than a pass holds."""
    short, long = Shape(4, 16), Shape(2, 100)
    assert group_passes([short, long, short, short, short, short], SIZE) == [[1], [0, 2, 3, 4], [5]]


def test_one_that_is_larger_than_a_pass_is_alone() -> None:
    assert group_passes([Shape(8, 128), Shape(8, 128)], SIZE) == [[0], [1]]


@given(st.lists(st.builds(Shape, rows=st.integers(1, 16), length=st.integers(1, 64)), min_size=1, max_size=12))
def test_each_is_in_one_pass_and_no_shared_pass_is_too_large(shapes: list[Shape]) -> None:
    groups = group_passes(shapes, SIZE)
    assert sorted(index for group in groups for index in group) == list(range(len(shapes)))
    for group in groups:
        members = [shapes[index] for index in group]
        tokens = max(shape.length for shape in members) * sum(shape.rows for shape in members)
        padding = tokens - sum(shape.tokens for shape in members)
        assert len(group) == 1 or (tokens <= SIZE.max_tokens and padding <= SIZE.max_padding)
