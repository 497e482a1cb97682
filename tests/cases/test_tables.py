"""Tables from elsewhere: quotes, signs between cells, long cells, names of columns."""

import csv
import gzip
from pathlib import Path

import pytest

from slimtune.training.data.readers.reader import ReadOptions, Row, Told, iter_rows, read_rows
from slimtune.training.errors import DataError
from tests.cases.reading import ConfigOf, rows_in, splits_of
from tests.conftest import make_rows, write_jsonl

ROWS = make_rows(60)


def told_rows(path: Path) -> tuple[list[Row], list[str]]:
    told = Told()
    return list(iter_rows(str(path), ReadOptions(told))), told.notes()


def written(path: Path, rows: list[Row], sign: str, *, between: str = "") -> Path:
    """Without quotes around anything."""
    lines = [(sign + between).join(map(str, row)) for row in (rows[0].keys(), *(row.values() for row in rows))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def with_lone_quotes() -> list[Row]:
    """A text that begins with a quote, and another far below that ends with one."""
    rows = [dict(row) for row in ROWS]
    rows[10]["text"] = '"' + rows[10]["text"]
    rows[40]["text"] += '"'
    return rows


def test_s1_a_quote_in_tsv_is_a_sign_like_others(tmp_path: Path, config_of: ConfigOf) -> None:
    """All rows are there, as they were written, and the report says how quotes were read."""
    path = written(tmp_path / "quotes.tsv", with_lone_quotes(), "\t")
    assert read_rows(str(path)) == with_lone_quotes()
    splits = splits_of(config_of, path)
    assert rows_in(splits) == 60
    assert any("TSV has no quoting; cells that have them: 2" in note for note in splits.notes)


def test_s1_sibling_a_csv_cell_over_many_lines_is_told_with_the_line_where_it_opens(tmp_path: Path) -> None:
    """The same in CSV, where it is one cell: the report names its first line."""
    rows, notes = told_rows(written(tmp_path / "quotes.csv", [{**row, "n": 1} for row in with_lone_quotes()], ","))
    assert len(rows) == 30
    assert notes == [
        f"{tmp_path / 'quotes.csv'}, line 12 (31 lines): a cell over many lines that look like rows opens here; "
        "if they are, a quote is missing"
    ]


LOOKS = "a cell over many lines that look like rows opens here; if they are, a quote is missing"
LETTER = "Dear all,\n\nthe invoice, of May, is wrong,\nplease help\n\nregards, Jo"


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("text,label", '"the set-up of my order, how?\nregards, Jo",a'),
        ("label,text", 'a,"the set-up of my order, how?\nregards, Jo"'),
        ("text,label", f'"{LETTER}",a'),
        ("text,label", '"one comma, here\nand, here\nand, here",a'),
        ("id,text,label", '7,"the set-up, of my order, how?\nregards, Jo",a'),
        ("id,text,label", f'7,"{LETTER}",a'),
        ("text, label", '"the set-up, of it\nof my order, how?\nregards, Jo", a'),
        ("text;label", '"this; or that\nor; so\nregards",a'.replace('",', '";')),
        # signs without blanks, of one line, and nothing that its column has elsewhere
        ("text,label", '"as of 1,5\nregards",a'),
        ("text", '"fine\nfine"'),
    ],
)
def test_s1_sibling_sentences_over_lines_are_not_taken_for_rows(tmp_path: Path, header: str, row: str) -> None:
    """Whose commas have a blank behind them: a letter in quotes is a cell like others."""
    path = tmp_path / "mails.csv"
    sign = ";" if ";" in header else ","
    plain = {"text": "fine", "label": "a", "id": "1"}
    above = (", " if ", " in header else sign).join(plain[name.strip()] for name in header.split(sign))
    path.write_text(f"{header}\n{above}\n{row}\n{above}\n")
    rows, notes = told_rows(path)
    assert len(rows) == 3
    assert not any("over many lines" in note for note in notes)


@pytest.mark.parametrize(
    ("content", "line", "num_lines"),
    [
        # each forgets the quote that closes one cell, and the quote that opens another
        ('text,label\nso,b\n"cannot log in, again,b\nslow",a\n', 3, 2),
        ('text,label\nso,b\n"cannot log in,c\nfine,d\nslow, too",a\n', 3, 3),
        ('label,text\nb,so\na,"cannot log in\nb,slow"\n', 3, 2),
        ('label,text\nb,so\na,"cannot log in\nc,fine\n\nd,slow"\n', 3, 4),
        ('id,text,label\n1,so,b\n2,"cannot log in, again,b\n3,slow",a\n', 3, 2),
        ('text, label\nso, b\n"cannot log in, b\nslow", a\n', 3, 2),
        ('text;label\nso;b\n"cannot log in;c\nfine;d\nslow";a\n', 3, 3),
    ],
)
def test_s1_sibling_a_quote_that_is_missing_is_told_in_tables_of_few_columns(
    tmp_path: Path, content: str, line: int, num_lines: int
) -> None:
    path = tmp_path / "open.csv"
    path.write_text(content)
    _, notes = told_rows(path)
    assert f"{path}, line {line} ({num_lines} lines): {LOOKS}" in notes


def test_s1_sibling_a_quote_that_never_closes_is_named_where_it_opens(tmp_path: Path) -> None:
    path = tmp_path / "open.csv"
    path.write_text('text,label\nfine,a\n"never closed,b\n' + "more,a\n" * 50)
    with pytest.raises(DataError, match=r"open\.csv, line 3: a quote that opens in this row is never closed"):
        read_rows(str(path))


def test_s1_sibling_tsv_of_a_csv_writer_keeps_its_quotes(tmp_path: Path) -> None:
    """Where quotes in quotes or line breaks show that the whole file is written so."""
    rows: list[Row] = [{"text": 'she said "no"', "label": "a"}, {"text": "two", "label": "b"}]
    path = tmp_path / "quoted.tsv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["text", "label"], delimiter="\t")
        writer.writeheader()
        writer.writerows(rows)
    assert told_rows(path) == (rows, [f"{path}: read with quotes around cells, as in CSV"])


def test_t9_a_csv_file_is_read_with_its_own_sign(tmp_path: Path, config_of: ConfigOf) -> None:
    rows: list[Row] = [{**row, "text": row["text"].replace(" ", ", ", 1)} for row in ROWS]
    path = written(tmp_path / "semicolons.csv", rows, ";")
    assert read_rows(str(path)) == rows
    splits = splits_of(config_of, path)
    assert rows_in(splits) == 60
    assert any("read with ';' between cells" in note for note in splits.notes)


@pytest.mark.parametrize(("name", "sign"), [("r.csv", "\t"), ("r.csv", "|"), ("r.tsv", ","), ("r.csv", ",")])
def test_t9_sibling_tabs_bars_and_commas_under_other_names(tmp_path: Path, name: str, sign: str) -> None:
    assert read_rows(str(written(tmp_path / name, list(ROWS), sign))) == ROWS


def test_t9_sibling_excel_names_the_sign_in_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "excel.csv"
    path.write_text('sep=;\ntext;label\n"a; b";x\n')
    assert read_rows(str(path)) == [{"text": "a; b", "label": "x"}]


def test_t9_sibling_a_blank_after_each_comma_does_not_hide_quotes(tmp_path: Path, config_of: ConfigOf) -> None:
    """`text, "label"`: the header's name is found, and a cell in quotes may hold a comma."""
    path = tmp_path / "blanks.csv"
    path.write_text("text, label\n" + "".join(f'"{row["text"]}, so", {row["label"]}\n' for row in ROWS))
    splits = splits_of(config_of, path)
    assert {row.label for row in splits.train} == {"plus", "minus", "zero"}
    assert all(row.text.endswith(", so") for row in splits.train)


def test_t3_a_cell_may_be_as_long_as_it_likes(tmp_path: Path, config_of: ConfigOf) -> None:
    rows: list[Row] = [
        {**row, "text": row["text"] + " river" * (40_000 if at == 5 else 1)} for at, row in enumerate(ROWS)
    ]
    for name, sign in (("big.csv", ","), ("big.tsv", "\t")):
        assert read_rows(str(written(tmp_path / name, rows, sign))) == rows
    assert rows_in(splits_of(config_of, tmp_path / "big.csv")) == 60


def test_t3_sibling_in_json_lines_in_parquet_and_packed(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows: list[Row] = [{"text": "river " * 40_000, "label": "a"}, {"text": "b", "label": "b"}]
    path = write_jsonl(tmp_path / "big.jsonl", rows)
    (tmp_path / "big.jsonl.gz").write_bytes(gzip.compress(path.read_bytes()))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "big.parquet")
    for name in ("big.jsonl", "big.jsonl.gz", "big.parquet"):
        assert read_rows(str(tmp_path / name)) == rows


def test_t3_sibling_the_name_of_a_column_may_be_long_too(tmp_path: Path) -> None:
    row = {"text": "a", "label" * 40_000: "b"}
    assert read_rows(str(written(tmp_path / "long.csv", [row], ","))) == [row]


def test_s6_two_columns_of_one_name_are_an_error(tmp_path: Path, config_of: ConfigOf) -> None:
    path = tmp_path / "twice.csv"
    path.write_text("text,label,text\na,b,c\n")
    with pytest.raises(DataError, match=r"twice\.csv, line 1: two columns have the name 'text'; rename one"):
        splits_of(config_of, path)


def test_s6_sibling_two_keys_of_one_name_are_an_error(tmp_path: Path) -> None:
    """In JSON Lines, in an array, and inside of an object."""
    for name, content, where in (
        ("k.jsonl", '{"text": "a"}\n{"text": "a", "label": "b", "text": "c"}\n', "line 2"),
        ("k.json", '[{"text": "a", "text": "c"}]', "line 1 or later"),
        ("in.jsonl", '{"text": {"x": 1, "x": 2}}\n', "line 1 or later"),
    ):
        (tmp_path / name).write_text(content)
        with pytest.raises(DataError, match=f"{name}, {where}: an object has the key '(text|x)' twice"):
            read_rows(str(tmp_path / name))


def test_s6_sibling_two_parquet_columns_of_one_name_are_an_error(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.Table.from_arrays([pyarrow.array(["a"]), pyarrow.array(["b"])], names=["text", "text"])
    pyarrow.parquet.write_table(table, tmp_path / "twice.parquet")
    with pytest.raises(DataError, match=r"twice\.parquet: two columns have the name 'text'"):
        read_rows(str(tmp_path / "twice.parquet"))


def test_columns_without_a_name_are_numbered(tmp_path: Path) -> None:
    """As a spreadsheet leaves them at the right."""
    (tmp_path / "r.csv").write_text("text,label,,\na,b,,\n")
    assert read_rows(str(tmp_path / "r.csv")) == [{"text": "a", "label": "b", "unnamed 3": "", "unnamed 4": ""}]


@pytest.mark.parametrize(
    ("content", "column", "message"),
    [
        (",label\na,b\n", "text", "row has unnamed 1, label; 'unnamed ...' are columns without a name, by their place"),
        (",\na,b\n", "text", "row has unnamed 1, unnamed 2; 'unnamed ...' are columns without a name"),
        ("a good day,plus\na bad day,minus\n", "text", "if these are cells of a row, the file has no header"),
        ("Text,label\na,b\n", "text", "did you mean 'Text'"),
        ("unnamed 2,\na,b\n", "text", "two columns have the name 'unnamed 2'; rename one"),
        ("text,label\n1,a,b\n2,c,d\n", "text", "or name the first column too, if it has the names of rows, as R"),
        ("text,label\na,b,\n", "text", "3 for 2; remove what follows its last cell, or quote the field"),
    ],
)
def test_a_header_that_does_not_fit_says_why(
    tmp_path: Path, config_of: ConfigOf, content: str, column: str, message: str
) -> None:
    """Names that are missing, twice there, or cells of the first row."""
    (tmp_path / "r.csv").write_text(content)
    with pytest.raises(DataError, match=message):
        splits_of(config_of, tmp_path / "r.csv", f"data.text_column={column}")


@pytest.mark.parametrize(("name", "sign"), [("r.csv", ","), ("r.tsv", "\t")])
def test_a_header_that_stands_there_again_is_no_row(tmp_path: Path, name: str, sign: str) -> None:
    """As of files that were put together, with a byte order mark between or without one."""
    path = written(tmp_path / name, list(ROWS), sign)
    path.write_text(f"{path.read_text()}\ufeff{path.read_text()}{path.read_text()}", encoding="utf-8")
    rows, notes = told_rows(path)
    assert rows == [*ROWS, *ROWS, *ROWS]
    assert notes == [f"{path}, line 62 and 1 more: the header stands there again, and is left out"]
