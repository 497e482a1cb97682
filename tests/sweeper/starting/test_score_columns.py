"""Numbers that say how alike two texts are, in every format, and the range that a first config gives them."""

import csv
import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slimtune.sweeper.cli import main
from tests.conftest import write_jsonl
from tests.sweeper.starting.test_first_config import PAIR, here, written
from tests.sweeper.starting.test_guess import OTHERS, TEXTS, cycled, rows_of

__all__ = ["here"]

Rows = Sequence[dict[str, Any]]


def write_table(path: Path, rows: Rows, delimiter: str) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


def write_decimals(path: Path, rows: Rows) -> None:
    pq.write_table(pa.Table.from_pylist([{**row, "note": Decimal(str(row["note"]))} for row in rows]), path)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("pairs.csv", lambda path, rows: write_table(path, rows, ";")),
        ("pairs.tsv", lambda path, rows: write_table(path, rows, "\t")),
        ("pairs.json", lambda path, rows: path.write_text(json.dumps(rows))),
        ("pairs.jsonl", write_jsonl),
        ("pairs.parquet", lambda path, rows: pq.write_table(pa.Table.from_pylist(rows), path)),
        ("decimals.parquet", write_decimals),
    ],
)
def test_scores_of_pairs_are_found_in_every_format(name: str, write: Callable[[Path, Rows], Any]) -> None:
    """With the range that they are on."""
    write(Path(name), rows_of(satz_a=TEXTS, satz_b=OTHERS, note=cycled(0.6, 4.9, 2.5)))
    config = written("--data", name, "--yes")
    assert (config.task.name, config.data.text_pair_column, config.data.label_column) == (
        "similarity",
        "satz_b",
        "note",
    )
    assert config.task.score_range == [0, 5]


@pytest.mark.parametrize(
    ("labels", "ends"),
    [
        ((0.1, 0.9, 1), None),
        ((0.6, 4.9, 2), [0, 5]),
        ((1, 2, 3, 4, 5), [1, 5]),
        ((0, 3, 7.5), [0, 10]),
        ((-0.9, 0.1, 0.5), [-1, 1]),
        ((1, 50, 99), [0, 100]),
        ((-3.5, 7, 250), [-3.5, 250]),
        # two labels say which number means alike
        ((2, 4), [2, 4]),
        ((0.2, 0.4), None),
        # pairs with 1 are taken for alike
        ((-1, 1), None),
    ],
)
def test_a_range_is_written_where_numbers_lie_beyond_zero_and_one(
    labels: tuple[float, ...], ends: list[float] | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """And told."""
    write_jsonl(Path("rows.jsonl"), rows_of(**PAIR, label=cycled(*labels)))
    config = written("--data", "rows.jsonl", "--task", "similarity")
    assert config.task.score_range == ends
    assert ("are read as 0 to 1 (task.score_range)" in capsys.readouterr().out) is (ends is not None)
    assert ("  # labels of pairs that are not alike at all" in Path("mine.yaml").read_text()) is (ends is not None)


@pytest.mark.parametrize("numbers", [cycled(0.5, 120, 7), cycled(3, 4, 500)])
def test_the_only_numbers_beside_two_texts_are_their_label_where_a_person_says_similarity(numbers: list[float]) -> None:
    write_jsonl(Path("rows.jsonl"), rows_of(id=range(30), ask=TEXTS, hit=OTHERS, far=numbers))
    assert main(["init", "--data", "rows.jsonl", "--task", "similarity", "--yes"]) == 0
    assert "  label_column: far\n" in Path("rows.yaml").read_text()


def test_scores_with_a_comma_are_no_classes(capsys: pytest.CaptureFixture[str]) -> None:
    """What training refuses them with says how they are written."""
    write_table(Path("pairs.csv"), rows_of(satz_a=TEXTS, satz_b=OTHERS, note=cycled("0,6", "4,9", "2,25")), ";")
    assert written("--data", "pairs.csv", "--yes").task.score_range == [0, 5]
    assert "task: similarity\n" in capsys.readouterr().out
