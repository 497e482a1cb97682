"""Rows without an answer that can be written are told at the end."""

import pytest

from slimtune.export.commands.terminal_text import Unanswered


def test_answers_that_json_lacks_are_told_apart_from_rows_without_text(capsys: pytest.CaptureFixture[str]) -> None:
    unanswered = Unanswered()
    unanswered.note("row 1", {"prediction": None, "probability": None})
    unanswered.note("row 2", {"prediction": "a", "probability": float("nan")})
    unanswered.note("row 3", {"prediction": [0.5, float("inf")]})
    unanswered.note("row 4", {"prediction": [{"start": 0, "label": "a"}]})
    unanswered.tell()
    empty, infinite = capsys.readouterr().err.splitlines()
    assert empty == "slimtune: row 1 has no text and is not answered (null)"
    assert "is NaN or infinite, which JSON has no number for (null), for row 2, row 3; its weights" in infinite
