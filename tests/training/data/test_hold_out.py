"""Too few rows for their classes are told with what the labels may be instead."""

from pathlib import Path
from typing import Any

import pytest

from slimtune.training.config.trial import TrialConfig
from slimtune.training.errors import DataError
from slimtune.training.tasks.rows import read_splits
from tests.conftest import write_jsonl
from tests.training.data.test_splits import config, with_data

__all__ = ["config"]

NAMES = [f"class {number}" for number in range(20)]
SENTENCES = [f"we open at {number} in the morning" for number in range(20)]


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize(("labels", "is_told"), [(NAMES, False), (SENTENCES, True)])
def test_sentences_are_said_to_be_answers(
    labels: list[str], is_told: bool, times: int, config: TrialConfig, tmp_path: Path
) -> None:
    rows = [{"text": f"a question of number {number}", "label": label} for number, label in enumerate(labels * times)]
    with pytest.raises(DataError, match="add rows") as caught:
        read_splits(with_data(config, train_file=str(write_jsonl(tmp_path / "rows.jsonl", rows))))
    assert ("(task=generation" in str(caught.value)) is is_told
    assert ("'we open at 0 in the morning' are sentences" in str(caught.value)) is is_told


def tickets(num_rows: int) -> list[dict[str, Any]]:
    return [
        {
            "ticket_id": f"T-{number}",
            "text": f"a question of number {number}",
            "priority": number % 3 + 1,
            "team": ("billing", "sales")[number % 2],
            "hours": number / 7,
            "note": f"a note of its own, number {number}",
        }
        for number in range(num_rows)
    ]


def test_labels_that_look_like_ids_are_told_with_the_columns_that_could_be_labels(
    config: TrialConfig, tmp_path: Path
) -> None:
    """Also where a few are there twice; words before numbers."""
    rows = tickets(40)
    rows[1]["ticket_id"] = "T-0"
    own = with_data(config, train_file=str(write_jsonl(tmp_path / "rows.jsonl", rows)), label_column="ticket_id")
    with pytest.raises(DataError, match=r"data\.label_column is ticket_id, which looks like an ID") as caught:
        read_splits(own)
    said = str(caught.value)
    assert "39 labels in 40 rows" in said
    assert "data.label_column=team, data.label_column=priority;" in said
    assert "hours" not in said
    assert "note" not in said


def test_a_few_rows_with_a_class_each_are_no_ids(config: TrialConfig, tmp_path: Path) -> None:
    own = with_data(config, train_file=str(write_jsonl(tmp_path / "rows.jsonl", tickets(5))), label_column="ticket_id")
    with pytest.raises(DataError, match=r"have 1 row each; .* needs 2: add rows"):
        read_splits(own)
