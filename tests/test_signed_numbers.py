"""Numbers that may be below zero are told without a minus before a zero."""

import re
from pathlib import Path

import pytest

from slimtune.export.promotion.comparison import Comparison
from slimtune.sweeper.report_page.markup import number, score
from slimtune.sweeper.reporting.live_table import number_text
from slimtune.training.tracking.display import display

ROOT = Path(__file__).parents[1]
# who writes a plus expects a minus: `z` takes it from what rounds to zero (PEP 682)
SIGNED = re.compile(r":\+(?!z)[^{}:\"']*\.\d+[efg%]\}")


@pytest.mark.parametrize("value", [-0.0, -1e-9])
def test_a_gain_that_rounds_to_zero_has_no_minus(value: float) -> None:
    """As where less is better, and both are as good."""
    found = Comparison("loss", "given", 22, 0.5, 0.5, value, low=-0.7727, high=value)
    assert "gain +0.0000 (-0.7727 to +0.0000)" in found.told


@pytest.mark.parametrize("text", [number_text(-0.0), number(-0.0).text, score(-1e-9).text, display(-0.0)])
def test_scores_of_tables_have_none(text: str) -> None:
    assert "-" not in text


def test_every_number_with_a_sign_is_written_so() -> None:
    """Of the whole source."""
    files = [path for room in ("sweeper", "training", "export") for path in (ROOT / room).rglob("*.py")]
    assert files
    assert [f"{path}: {one}" for path in files for one in SIGNED.findall(path.read_text(encoding="utf-8"))] == []
