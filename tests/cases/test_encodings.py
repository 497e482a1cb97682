"""Text files that are not UTF-8, and files whose content is not what their name says."""

import gzip
import json
from pathlib import Path

import pytest

from slimtune.training.data.readers.reader import ReadOptions, Told, iter_rows, read_rows
from slimtune.training.errors import DataError
from tests.cases.reading import ConfigOf, rows_in, splits_of, trial_of
from tests.conftest import make_rows, write_jsonl

ROWS = [{**row, "text": f"größer {row['text']}"} for row in make_rows(60)]
CSV = "text,label\n" + "".join(f"{row['text']},{row['label']}\n" for row in ROWS)
LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)


def test_t8_json_lines_are_read_whatever_the_name(tmp_path: Path, config_of: ConfigOf) -> None:
    (tmp_path / "lines.json").write_text(LINES, encoding="utf-8")
    assert rows_in(splits_of(config_of, tmp_path / "lines.json")) == 60


@pytest.mark.parametrize("name", ["r.ndjson", "r.txt", "r.data", "rows", "r.jsonl", "r.jsonlines"])
def test_t8_sibling_json_lines_under_other_names(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(LINES, encoding="utf-8")
    assert read_rows(str(tmp_path / name)) == ROWS


def test_t8_sibling_an_array_or_objects_over_lines_under_the_name_of_lines(tmp_path: Path) -> None:
    (tmp_path / "array.jsonl").write_text(json.dumps(ROWS, indent=1))
    (tmp_path / "spread.json").write_text("\n".join(json.dumps(row, indent=2) for row in ROWS))
    assert read_rows(str(tmp_path / "array.jsonl")) == read_rows(str(tmp_path / "spread.json")) == ROWS


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"version": 1, "data": [{"text": "a"}]}, "the rows seem to be the list in 'data'; save that list alone"),
        (
            {"text": {"0": "a"}, "label": {"0": "b"}},
            "an object for each column, as pandas writes by itself, where an array of rows belongs",
        ),
    ],
)
def test_t8_sibling_an_object_around_the_rows_is_named(tmp_path: Path, content: object, message: str) -> None:
    (tmp_path / "r.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=message):
        read_rows(str(tmp_path / "r.json"))


def test_t8_a_folder_of_save_to_disk_is_read(tmp_path: Path, config_of: ConfigOf) -> None:
    """Its Arrow files alone, with the names of class labels; of several splits, one is to be named."""
    datasets = pytest.importorskip("datasets")
    names = ["minus", "plus", "zero"]
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=names)})
    saved = datasets.Dataset.from_list([{**row, "label": names.index(row["label"])} for row in ROWS], features=features)
    saved.save_to_disk(tmp_path / "one", num_shards=2)
    splits = splits_of(config_of, tmp_path / "one")
    assert rows_in(splits) == 60
    assert {row.label for row in splits.train} == set(names)
    datasets.DatasetDict(train=saved, test=saved).save_to_disk(tmp_path / "two")
    with pytest.raises(DataError, match=r"several splits are saved here; name one of .*two/train"):
        splits_of(config_of, tmp_path / "two")
    assert rows_in(splits_of(config_of, tmp_path / "two" / "train")) == 60
    saved.to_parquet(tmp_path / "r.parquet")
    assert {row["label"] for row in read_rows(str(tmp_path / "r.parquet"))} == set(names)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_byte_order_mark_is_believed_and_told(tmp_path: Path, encoding: str) -> None:
    told = Told()
    for name, content in (("r.csv", CSV), ("r.jsonl", LINES), ("r.json", json.dumps(ROWS))):
        (tmp_path / name).write_bytes(content.encode(encoding))
        assert list(iter_rows(str(tmp_path / name), ReadOptions(told))) == ROWS
    assert told.notes() == [f"{tmp_path / 'r.csv'} and 2 more: read as {encoding.upper()}, as its byte order mark says"]


def test_utf_16_without_a_mark_is_named(tmp_path: Path, config_of: ConfigOf) -> None:
    """And the key for it, where there is a config."""
    (tmp_path / "r.csv").write_bytes("text,label\nab,c\n".encode("utf-16-le"))
    said = "looks like UTF-16 without a byte order mark; save the file as UTF-8"
    with pytest.raises(DataError, match=f"{said}$"):
        read_rows(str(tmp_path / "r.csv"))
    with pytest.raises(DataError, match=rf"{said}, or name its encoding, e\.g\. data\.encoding=utf-16-le"):
        splits_of(config_of, tmp_path / "r.csv")


@pytest.mark.parametrize("named", ["latin-1", "cp1252", "utf-16"])
def test_utf_16_is_seen_whatever_is_named(tmp_path: Path, config_of: ConfigOf, named: str) -> None:
    """Every byte is a letter of Latin-1; with letters of other scripts the upper bytes are not 0."""
    for text in ("text,label\nab,c\n", "текст,имя\nветер и река,да\n"):
        (tmp_path / "r.csv").write_bytes(text.encode("utf-16-le"))
        with pytest.raises(DataError, match=r"r\.csv.*: (this looks like|not) (UTF|utf)-16.*data\.encoding=utf-16-le"):
            splits_of(config_of, tmp_path / "r.csv", f"data.encoding={named}")


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16-be", "latin-1"])
def test_an_encoding_can_be_named(tmp_path: Path, config_of: ConfigOf, encoding: str) -> None:
    (tmp_path / "r.csv").write_bytes(CSV.encode(encoding))
    splits = splits_of(config_of, tmp_path / "r.csv", f"data.encoding={encoding}")
    assert all(row.text.startswith("größer") for row in splits.train)


def test_an_encoding_that_does_not_fit_is_told(tmp_path: Path, config_of: ConfigOf) -> None:
    """UTF-8 read as Latin-1 gives two letters for one, and no error."""
    (tmp_path / "r.csv").write_text(CSV, encoding="utf-8")
    notes = splits_of(config_of, tmp_path / "r.csv", "data.encoding=latin-1").notes
    assert any("lines of it are well-formed UTF-8" in note for note in notes)
    (tmp_path / "r.csv").write_bytes(CSV.encode("cp1252"))
    with pytest.raises(DataError, match=r"line 2: byte 0xf6 at column 3 is not UTF-8; .* data\.encoding=cp1252"):
        splits_of(config_of, tmp_path / "r.csv")
    with pytest.raises(AssertionError, match="which Python does not know"):
        trial_of(config_of, tmp_path / "r.csv", "data.encoding=klingon")


def test_a_gzipped_file_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_bytes(gzip.compress(LINES.encode(), mtime=0))
    assert read_rows(str(tmp_path / "r.jsonl")) == ROWS


def test_files_that_were_put_together_have_marks_between(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "r.jsonl", ROWS[:2])
    path.write_text(f"\ufeff{path.read_text()}\ufeff{path.read_text()}", encoding="utf-8")
    assert read_rows(str(path)) == [*ROWS[:2], *ROWS[:2]]
