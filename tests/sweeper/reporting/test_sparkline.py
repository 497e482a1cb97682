"""Numbers as blocks."""

import math

from slimtune.sweeper.reporting.sparkline import sparkline


def test_the_lowest_and_the_highest_number() -> None:
    assert sparkline([0.0, 0.5, 1.0], width=9) == "▁▅█"


def test_the_last_numbers_are_shown() -> None:
    assert sparkline([5.0, 0.0, 1.0], width=2) == "▁█"


def test_what_is_no_number_is_a_blank() -> None:
    assert sparkline([math.nan, 1.0, 2.0], width=9) == " ▁█"
    assert sparkline([math.inf], width=9) == " "
    assert sparkline([-1.7e308, 0.0, 1.7e308], width=9) == "▁▅█"


def test_one_scale_for_many() -> None:
    assert sparkline([1.0], width=9, ends=(0.0, 1.0)) == "█"
    assert sparkline([0.0], width=9, ends=(0.0, 1.0)) == "▁"


def test_equal_numbers() -> None:
    assert sparkline([2.0, 2.0], width=9) == "██"
