import pickle
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from slimtune.training.data.examples import Example
from slimtune.training.data.kept import example_file
from slimtune.training.data.kept.example_file import JoinedExamples, NotExactError, StoredExamples, write_examples
from slimtune.training.data.spans import Span

EXAMPLES = [
    Example("one", "a", row={"text": "one ", "label": "a", "n": 1.5, "none": None, "list": [1, {"b": True}]}),
    Example("zwei ü", "b", "pair", ("x", "y"), group="g", row={"text": "\ud800"}),
    Example("three", spans=(Span(0, 5, "T"),), messages=(("user", "hi"), ("assistant", "")), row={}),
]


def test_examples_come_back_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By their number, in parts, one after the other, over several batches, and in another process."""
    monkeypatch.setattr(example_file, "BATCH_ROWS", 2)
    write_examples(EXAMPLES, tmp_path / "rows.arrow")
    found = StoredExamples(tmp_path / "rows.arrow")
    assert list(found) == EXAMPLES == [found[at] for at in range(3)]
    assert found[1:] == EXAMPLES[1:]
    assert found[-1] == EXAMPLES[-1]
    assert found[2].row is not found[2].row
    assert pickle.loads(pickle.dumps(found)) == EXAMPLES
    with pytest.raises(IndexError):
        found[3]
    assert list(JoinedExamples([found, found])) == 2 * EXAMPLES


@pytest.mark.parametrize("cell", [date(2026, 1, 1), b"bytes", (1, 2), {1: 2}, [{"a": {3}}]])
def test_what_would_come_back_otherwise_is_not_kept(tmp_path: Path, cell: Any) -> None:
    with pytest.raises(NotExactError):
        write_examples([Example("text", row={"cell": cell})], tmp_path / "rows.arrow")
    assert list(tmp_path.iterdir()) == []


def test_a_text_that_has_no_utf8_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(NotExactError):
        write_examples([Example("\ud800")], tmp_path / "rows.arrow")
