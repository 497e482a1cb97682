import io

import pytest
from rich.console import Console

from slimtune.sweeper.reporting.terminal import print_test


@pytest.mark.parametrize(
    ("name", "told"), [("chrf", "chrf 86.3600 of 100 (80.0000"), ("rouge1", "rouge1 86.3600 (80.0000")]
)
def test_a_score_that_goes_up_to_100_says_so(name: str, told: str) -> None:
    """It stands beside others that go up to 1."""
    text = io.StringIO()
    scores = {name: {"value": 86.36, "low": 80.0, "high": 90.0}}
    print_test(Console(file=text, width=200), {"num_rows": 22, "scores": scores})
    assert told in text.getvalue()


@pytest.mark.parametrize(
    ("more", "told"), [({}, "read once"), ({"readings": 2}, "read 2 times, each time for another winner")]
)
def test_a_second_reading_of_the_test_rows_is_told(more: dict[str, int], told: str) -> None:
    """More trials brought another winner."""
    text = io.StringIO()
    print_test(Console(file=text, width=200), {"num_rows": 22, "scores": {}, **more})
    assert text.getvalue().startswith(f"test, {told}, 22 rows")
