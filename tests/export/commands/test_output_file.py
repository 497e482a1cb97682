import os
import re
from pathlib import Path

import pytest

from slimtune.export.commands.output_file import Given, check_output
from slimtune.sweeper.cli import main
from slimtune.training.errors import DataError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """We stand in it: rows, a folder of rows with a link to a file elsewhere, and links to the rows."""
    monkeypatch.chdir(tmp_path)
    for name in ("rows.jsonl", "data/a.jsonl", "linked.jsonl", "other.jsonl"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text('{"text": "good soup"}\n')
    Path("data/far.jsonl").symlink_to(tmp_path / "linked.jsonl")
    Path("soft.jsonl").symlink_to("rows.jsonl")
    os.link("rows.jsonl", "hard.jsonl")
    return tmp_path


def refused(out: str, read: str) -> str:
    with pytest.raises(DataError) as error:
        check_output(Path(out), "--out", rows=Given("--file", read), model="models:/a/1")
    return str(error.value)


@pytest.mark.parametrize("out", ["rows.jsonl", "./data/../rows.jsonl", "soft.jsonl", "hard.jsonl"])
@pytest.mark.parametrize("read", ["rows.jsonl", "soft.jsonl"])
def test_what_is_read_is_not_written(folder: Path, out: str, read: str) -> None:
    assert refused(out, read) == f"--out {Path(out)} is --file {read}, whose rows would be lost; name another file"


@pytest.mark.parametrize("out", ["data/a.jsonl", "data/new.jsonl", "linked.jsonl"])
def test_a_folder_that_is_read_is_not_written_to(folder: Path, out: str) -> None:
    assert refused(out, "data") == f"--out {out} is in --file data, which is read; name a file elsewhere"


@pytest.mark.parametrize("read", ["data/*.jsonl", "**/*.jsonl", "d*/[n]ew.*", "{folder}/data/n?w.jsonl"])
def test_a_pattern_that_is_read_is_not_written_to(folder: Path, read: str) -> None:
    assert "which is read; name a file elsewhere" in refused("data/new.jsonl", read.format(folder=folder))
    check_output(Path("answers.txt"), "--out", rows=Given("--file", read), model="nosuch")


def test_a_link_of_a_pattern_counts(folder: Path) -> None:
    assert "is one of --file data/f*.jsonl" in refused("linked.jsonl", "data/f*.jsonl")


@pytest.mark.parametrize("read", ["rows.jsonl", "data", "data/*.jsonl", "hub:a/b@train", "python:sources", "nosuch"])
def test_other_files_are_written(folder: Path, read: str) -> None:
    """Old ones too: they are replaced."""
    for out in ("other.jsonl", "new.jsonl", "new.ndjson", "new.csv", "new.TSV", "new.txt", "new"):
        check_output(Path(out), "--out", rows=Given("--file", read), model="nosuch")


def test_rows_may_lie_beside_the_model_but_are_none_of_its_files(folder: Path) -> None:
    given = Given("--file", "rows.jsonl")
    check_output(Path("data/answers.jsonl"), "--out", rows=given, model="data")
    for name in ("data/manifest.json", "data/vocab.txt"):
        with pytest.raises(DataError, match=f"--out {name} is in --model data, which is read"):
            check_output(Path(name), "--out", rows=given, model="data")


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("a.xlsx", "JSON Lines, .csv and .tsv are written; name it a.jsonl"),
        ("a.Parquet", "name it a.jsonl"),
        ("a.b.jsonl.gz", "name it a.b.jsonl"),
        ("a.csv.gz", "name it a.jsonl"),
        ("data", "is a folder; name a file in it"),
        ("nosuch/a.jsonl", "there is no folder nosuch; make it first"),
        ("/dev/null", "is no file that can be written anew"),
        ("/dev/stdout", "is no file that can be written anew"),
        ("-", "is no file that can be written anew"),
    ],
)
def test_what_is_no_place_for_json_lines_is_told(folder: Path, out: str, message: str) -> None:
    assert message in refused(out, "rows.jsonl")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("predict --model nosuch --file rows.jsonl --out rows.jsonl", "--out rows.jsonl is --file rows.jsonl"),
        ("predict --model data --file rows.jsonl --out data/a.json", "--out data/a.json is in --model data"),
        ("evaluate --model nosuch --data rows.jsonl --predictions soft.jsonl", "--predictions soft.jsonl is --data"),
        ("evaluate --model nosuch --data rows.jsonl --predictions new.parquet", "name it new.jsonl"),
        ("predict --model nosuch --file -", "what is piped in is --file /dev/stdin"),
    ],
)
def test_commands_ask_before_the_model_is_looked_for(
    folder: Path, capsys: pytest.CaptureFixture[str], command: str, said: str
) -> None:
    before = Path("rows.jsonl").read_bytes()
    assert main(command.split()) == 2
    assert re.sub(r"\s+", " ", capsys.readouterr().err).count(said) == 1
    assert Path("rows.jsonl").read_bytes() == before
