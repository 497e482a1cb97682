"""Too few rows for their classes are told with what the labels may be instead."""

from pathlib import Path

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
