"""What `slimtune init` says of the rows, and of the columns that it takes."""

from pathlib import Path
from typing import Any

import pytest

from slimtune.sweeper.cli import main
from slimtune.sweeper.starting.guess import guess_by_target
from slimtune.sweeper.starting.seen_columns import columns_of_rows
from tests.conftest import write_jsonl
from tests.sweeper.starting.test_first_config import here
from tests.sweeper.starting.test_guess import CHAT, OTHERS, TEXTS, cycled, rows_of

__all__ = ["here"]


def test_rows_that_training_refuses_are_told_with_their_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """A label that is empty stops the training; a text that is empty is left out."""
    rows = [f"{text},{'abc'[at % 3]}" for at, text in enumerate(TEXTS)]
    Path("rows.csv").write_text("\n".join(["call,team", *rows, "no team,", ",a"]) + "\n")
    assert main(["init", "--data", "rows.csv", "--text-column", "call", "--yes"]) == 0
    told, at = capsys.readouterr().out, len(TEXTS) + 1
    assert f"'team' is empty in 1 row: rows.csv, row {at} (line {at + 1}); fill it or remove the row\n" in told
    assert f"'call' is empty in 1 row: rows.csv, row {at + 1} (line {at + 2}); a row without a text" in told


def test_a_second_text_of_a_classified_pair_may_be_empty(capsys: pytest.CaptureFixture[str]) -> None:
    """As training reads it; columns are shown with their empty cells."""
    rows = rows_of(call=TEXTS, reply=OTHERS, team=cycled("bank", "mail", "shop"))
    write_jsonl(Path("rows.jsonl"), [{**row, "reply": ""} if at == 3 else row for at, row in enumerate(rows)])
    columns = ("--text-column", "call", "--text-pair-column", "reply", "--label-column", "team")
    assert main(["init", "--data", "rows.jsonl", "--task", "classification", *columns, "--yes"]) == 0
    told = capsys.readouterr().out
    assert "'reply' is empty in 1 row: rows.jsonl, row 4; a row is read with nothing there\n" in told
    assert f"(empty in 1 of {len(rows)} rows)" in told


def test_names_are_counted_as_the_classes_that_training_makes(capsys: pytest.CaptureFixture[str]) -> None:
    write_jsonl(Path("rows.jsonl"), rows_of(call=TEXTS, team=cycled("bank", "bank ", "True", "true", "1", "1.0")))
    assert main(["init", "--data", "rows.jsonl", "--yes"]) == 0
    assert "  team  3 names" in capsys.readouterr().out


@pytest.mark.parametrize("others", [OTHERS, [f"{text}, ask {text}" for text in TEXTS]])
def test_a_label_column_of_texts_is_that_of_answers(others: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """In any language: columns that are named say what texts are for, and not their names."""
    write_jsonl(Path("rows.jsonl"), rows_of(frage=TEXTS, antwort=others))
    assert main(["init", "--data", "rows.jsonl", "--text-column", "frage", "--label-column", "antwort", "--yes"]) == 0
    assert "task: generation" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("cells", "task"),
    [
        (cycled("a", "b"), "classification"),
        ([["x", "y"], ["x"]] * 15, "multi_label"),
        (TEXTS, "generation"),
        (cycled(0.5, 4.5), "similarity"),
        (cycled(1, 2), None),
    ],
)
def test_a_column_that_is_named_as_the_label_says_the_task(cells: list[Any], task: str | None) -> None:
    columns = columns_of_rows(rows_of(body=OTHERS, note=TEXTS, found=cells))
    assert guess_by_target(columns, "found") == task


def test_of_models_from_nothing_one_reads_chats(capsys: pytest.CaptureFixture[str]) -> None:
    write_jsonl(Path("rows.jsonl"), rows_of(messages=[CHAT] * 30))
    assert main(["init", "--data", "rows.jsonl", "--yes"]) == 2
    assert "or one that needs neither (tiny_t5; --model)" in capsys.readouterr().err
    assert main(["init", "--data", "rows.jsonl", "--yes", "--model", "tiny_llama"]) == 2
    assert "the rows are chats, and tiny_llama has no chat template" in capsys.readouterr().err
    assert not Path("rows.yaml").exists()
    assert main(["init", "--data", "rows.jsonl", "--yes", "--model", "tiny_t5"]) == 0
