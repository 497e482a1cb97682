import pytest

from slimtune.sweeper.space.dimension import Choice, Dimension, FloatRange, IntRange


@pytest.mark.parametrize(
    ("dimension", "shown"),
    [
        (FloatRange(0.001, 0.1, log=True), "float, 0.001 to 0.1, log"),
        (FloatRange(0.0, 2.0, step=1.0), "float, 0.0 to 2.0, step 1.0"),
        (IntRange(2, 8), "int, 2 to 8"),
        (IntRange(2, 8, step=3), "int, 2 to 8, step 3"),
        (Choice((1, "1", True)), "choice, 1, '1', True"),
    ],
)
def test_a_dimension_is_shown_as_people_write_one(dimension: Dimension, shown: str) -> None:
    """In the tracker, and where a sweep is resumed with another one."""
    assert str(dimension) == shown
