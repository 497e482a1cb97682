import pytest

from slimtune.sweeper.campaigns.identity import check_same
from slimtune.training.errors import StoreError


def test_all_that_differs_is_named() -> None:
    with pytest.raises(StoreError) as raised:
        check_same({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "9", "d": "4"}, name="mine")
    lines = str(raised.value).splitlines()
    assert lines[1:-1] == ["  - b: 2 -> 9", "  - c: 3 -> not there", "  - d: not there -> 4"]


def test_a_new_sweep_and_the_same_sweep_pass() -> None:
    check_same(None, {"a": "1"}, name="mine")
    check_same({"a": "1"}, {"a": "1"}, name="mine")
